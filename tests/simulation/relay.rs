//! A mail relay that fails in every way, and remembers what it really took. Never tells fristd more than a relay would.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use fristd::domain::delivery::Reply;
use fristd::mail::{OutgoingMail, Transport};

use super::dice::Dice;
use super::gate::{Gate, Stop};

/// How the relay fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be reached.
    NoRelay,
    /// 4xx before DATA.
    RefusesForNow,
    /// 5xx before DATA.
    RefusesForGood,
    /// 4xx instead of taking the message.
    DefersMessage,
    /// 5xx instead of taking the message.
    RejectsMessage,
    /// The connection breaks, and the message was not taken.
    BreaksBefore,
    /// The connection breaks after the message was taken.
    BreaksAfter,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::NoRelay,
        Self::RefusesForNow,
        Self::RefusesForGood,
        Self::DefersMessage,
        Self::RejectsMessage,
        Self::BreaksBefore,
        Self::BreaksAfter,
    ];
}

/// What the relay saw.
#[derive(Clone, Debug)]
pub enum Seen {
    /// The message comes now.
    Given { replica: usize, mail: Arc<OutgoingMail> },
    /// It took the message.
    Took { replica: usize, mail: Arc<OutgoingMail> },
    /// It said no to this one for good.
    Refused { mail: Arc<OutgoingMail> },
}

/// The relay of one world.
pub struct Relay {
    /// What is wrong with it for everybody, and until when.
    pub episode: Option<(Fault, DateTime<Utc>)>,
    /// How many mails in a thousand it fails at random.
    pub failing_permille: u32,
    pub dice: Dice,
    pub now: DateTime<Utc>,
    /// What nobody has looked at yet.
    pub seen: Vec<Seen>,
}

impl Relay {
    fn fault(&mut self, of: &[Fault]) -> Option<Fault> {
        let now = self.now;
        if let Some((fault, _)) = self.episode.filter(|(fault, until)| now < *until && of.contains(fault)) {
            return Some(fault);
        }
        let is_struck = self.dice.permille(self.failing_permille);
        if is_struck { self.dice.pick(of).copied() } else { None }
    }
}

/// One replica's connection to the relay.
pub struct Connection {
    pub replica: usize,
    pub relay: Arc<Mutex<Relay>>,
    pub gate: Gate,
}

impl Transport for Connection {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        let _ = self.gate.stop_at(Stop::Asked).await;
        let mut relay = self.relay.lock().unwrap();
        let text = |words: &str| format!("{words} (simulated)");
        match relay.fault(&[Fault::NoRelay, Fault::RefusesForNow, Fault::RefusesForGood]) {
            Some(Fault::NoRelay) => Err(Reply::NoRelay { text: text("connection refused") }),
            Some(Fault::RefusesForNow) => Err(Reply::RefusedForNow { text: text("451 4.3.0 later") }),
            Some(_) => {
                relay.seen.push(Seen::Refused { mail: Arc::new(mail.clone()) });
                Err(Reply::RefusedForGood { text: text("550 5.1.1 unknown") })
            }
            None => Ok(()),
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        let reply = {
            let mail = Arc::new(mail.clone());
            let mut relay = self.relay.lock().unwrap();
            relay.seen.push(Seen::Given { replica: self.replica, mail: mail.clone() });
            let text = |words: &str| format!("{words} (simulated)");
            match relay.fault(&[Fault::DefersMessage, Fault::RejectsMessage, Fault::BreaksBefore, Fault::BreaksAfter]) {
                Some(Fault::DefersMessage) => Reply::RefusedForNow { text: text("452 4.3.1 full") },
                Some(Fault::RejectsMessage) => {
                    relay.seen.push(Seen::Refused { mail });
                    Reply::RefusedForGood { text: text("554 5.7.1 no") }
                }
                Some(Fault::BreaksBefore) => Reply::Broken { text: text("connection lost") },
                fault => {
                    relay.seen.push(Seen::Took { replica: self.replica, mail });
                    match fault {
                        Some(_) => Reply::Broken { text: text("connection lost after the message") },
                        None => Reply::Accepted { text: text("250 2.0.0 taken") },
                    }
                }
            }
        };
        let _ = self.gate.stop_at(Stop::OnTheWay).await;
        reply
    }

    fn sibling(&self) -> Self {
        Self { replica: self.replica, relay: self.relay.clone(), gate: self.gate.clone() }
    }

    async fn close(&mut self) {}
}

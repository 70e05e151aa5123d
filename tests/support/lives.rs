//! Lets `fristd run` live and die again and again while it delivers. Never decides whether what came of it is right.

use std::fmt;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;

use super::daemon::Daemon;
use super::ledger::notices;
use super::sink::{Seen, Sink};
use super::site::Site;

/// A generator of pseudo-random numbers (SplitMix64): the same seed gives the same pauses.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to this one, both included.
    pub fn up_to(&mut self, highest: usize) -> usize {
        (self.next() % (highest as u64 + 1)) as usize
    }

    /// A pause from none to this one.
    pub fn pause(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.up_to(longest.as_micros() as usize) as u64)
    }
}

/// How a site's daemons died.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deaths {
    pub kills: usize,
    /// Kills at whose instant mails were in flight: begun at the relay and not yet answered.
    pub with_mail_in_flight: usize,
    /// Kills after the relay had got a mail from this life.
    pub while_delivering: usize,
    /// How often the clock was turned on, because all that was left waited for a lease or a pause to end.
    pub turns: usize,
}

impl fmt::Display for Deaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, with_mail_in_flight, while_delivering, turns } = self;
        write!(
            f,
            "{kills} kills, {while_delivering} while delivering, {with_mail_in_flight} with mails in flight; clock turned on \
             {turns} times"
        )
    }
}

/// One site, its relay and its replicas.
pub struct Lives<'a> {
    site: &'a Site,
    sink: &'a Sink,
    clock: DateTime<Utc>,
    replicas: Vec<Option<Daemon>>,
    pub deaths: Deaths,
}

const SILENCE_MAX: Duration = Duration::from_secs(2); // of the relay; a start takes a fraction of it
const PAUSE_MAX: Duration = Duration::from_millis(8); // a mail is on its way for about as long
const START_MAX: Duration = Duration::from_millis(400); // a start takes about as long in a build that is not optimised
const START_KILLED_IN: usize = 20; // one life in so many ends at any instant of its start
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(25); // of one replica from the next: three are within a minute
const TURN: TimeDelta = TimeDelta::minutes(25); // longer than a lease, and than the pause before a repetition

impl<'a> Lives<'a> {
    pub fn new(site: &'a Site, sink: &'a Sink, replicas: usize) -> Self {
        let clock = site.set_clock("2026-12-01 09:00:00");
        let replicas = std::iter::repeat_with(|| None).take(replicas).collect();
        let lives = Self { site, sink, clock, replicas, deaths: Deaths::default() };
        lives.write_clocks();
        lives
    }

    /// Queues what is due without sending anything, so that what follows is delivery alone.
    pub fn queue(&mut self) {
        self.site.run().ready().stop(); // the database is there
        self.site.done(&["pause"]);
        let mut daemon = self.site.run();
        daemon.wait_for_message("round done");
        daemon.stop();
        self.site.done(&["resume"]);
    }

    /// Kills daemons at random instants of the delivery and starts them again, until so many were killed or the relay has taken
    /// so many mails of different notices.
    pub fn kill(&mut self, kills: usize, notices: usize, random: &mut Random) {
        while self.deaths.kills < kills {
            if self.sink.accepted().len() >= notices {
                return;
            }
            let before = self.sink.seen();
            self.start_all();
            if random.up_to(START_KILLED_IN - 1) == 0 {
                pause(random.pause(START_MAX));
            } else {
                let lives_left = (kills - self.deaths.kills).div_ceil(self.replicas.len());
                self.wait_for_mails(notices, lives_left, random);
            }
            self.kill_some(before, kills, random);
        }
    }

    /// Waits until the relay has got some mails more, so many that all would be delivered in about as many accidents as are left,
    /// and then for a random pause. Where nothing comes the clock is turned on; says whether anything came.
    pub fn wait_for_mails(&mut self, notices: usize, accidents_left: usize, random: &mut Random) -> bool {
        let before = self.sink.seen();
        let left = notices - self.sink.accepted().len().min(notices);
        let wanted = random.up_to(2 * left / accidents_left);
        let is_enough = |seen: Seen| seen.begun > before.begun && seen.accepted >= before.accepted + wanted;
        if !self.sink.wait_for(SILENCE_MAX, is_enough) && self.sink.seen() == before {
            self.turn_clock();
            self.sink.wait_for(SILENCE_MAX, is_enough);
        }
        pause(random.pause(PAUSE_MAX));
        self.sink.seen().begun > before.begun
    }

    /// Starts whoever is dead and waits until every notice has come to an end.
    pub fn finish(&mut self) {
        const QUIET: Duration = Duration::from_millis(500);
        const TURNS_MAX: usize = 120; // two days; the announcement is live for a month
        let last = self.deaths.turns + TURNS_MAX;
        while self.deaths.turns < last {
            self.start_all();
            let before = self.sink.seen();
            self.sink.wait_for(QUIET, |_| false);
            if self.is_finished() {
                // one that is still starting would not hear that it is to stop
                self.replicas.iter_mut().filter_map(Option::take).for_each(|daemon| drop(daemon.ready().stop()));
                return;
            }
            // turned on in the middle of a mail it would end that one's lease
            if self.sink.seen() == before {
                self.turn_clock();
            }
        }
        let logs: Vec<String> = self.replicas.iter_mut().flatten().map(Daemon::log).collect();
        panic!("some notices never came to an end\n{}", logs.join("\n---\n"));
    }

    /// Starts one daemon with this variable and waits for its end by itself; none if everything was delivered before.
    pub fn die_by_itself(&mut self, variable: &str, value: &str) -> Option<String> {
        let mut command = self.command(0);
        command.env(variable, value);
        let mut daemon = Daemon::spawn(command);
        let quiet = Duration::from_millis(100);
        while daemon.is_running() {
            let is_quiet = !self.sink.wait_for(quiet, |_| false) && self.sink.seen().accepted > 0;
            if is_quiet && daemon.is_running() && self.is_finished() {
                daemon.kill(); // it passes points when it stops in order, too
                return None;
            }
        }
        self.deaths.kills += 1;
        Some(daemon.end().1)
    }

    /// Starts those that do not run.
    pub fn start_all(&mut self) {
        for place in 0..self.replicas.len() {
            if self.replicas[place].is_none() {
                self.replicas[place] = Some(Daemon::spawn(self.command(place)));
            }
        }
    }

    /// Turns the clock of all on, beyond every lease and pause.
    pub fn turn_clock(&mut self) {
        self.clock += TURN;
        let local = self.clock.with_timezone(&Berlin).format("%Y-%m-%d %H:%M:%S").to_string();
        self.clock = self.site.set_clock(&local);
        self.write_clocks();
        self.deaths.turns += 1;
    }

    /// The clocks of the replicas are up to a minute apart.
    fn write_clocks(&self) {
        for place in 0..self.replicas.len() {
            let apart = CLOCKS_APART * i32::try_from(place).expect("few replicas");
            self.site.write_clock(&clock_file(place), self.clock + apart);
        }
    }

    /// Mostly all at once, each at an instant of its own; now and then one alone, while the others go on.
    fn kill_some(&mut self, before: Seen, kills: usize, random: &mut Random) {
        let alone = (random.up_to(3) == 0).then(|| random.up_to(self.replicas.len() - 1));
        for place in 0..self.replicas.len() {
            if alone.is_some_and(|chosen| chosen != place) || self.deaths.kills == kills {
                continue;
            }
            let Some(mut daemon) = self.replicas[place].take() else { continue };
            assert!(daemon.is_running(), "it ended by itself:\n{}", daemon.log());
            let seen = self.sink.seen();
            daemon.kill();
            self.deaths.kills += 1;
            self.deaths.with_mail_in_flight += usize::from(seen.in_flight > 0);
            self.deaths.while_delivering += usize::from(seen.begun > before.begun);
            pause(random.pause(PAUSE_MAX));
        }
    }

    fn is_finished(&self) -> bool {
        let waits = |state: &str| matches!(state, "queued" | "claimed" | "retry");
        // an uncertain notice is sent once more; uncertain twice, it is a person's
        let all = notices(self.site);
        !all.is_empty()
            && all.iter().all(|notice| !waits(&notice.state) && (notice.state != "uncertain" || notice.uncertain > 1))
    }

    fn command(&self, place: usize) -> Command {
        let mut command = self.site.command(&["run", "--log", "json"]);
        command.env("FRISTD__REPLICA", format!("replica-{place}"));
        command.env("FAKETIME_TIMESTAMP_FILE", self.site.path(&clock_file(place)));
        command
    }
}

fn clock_file(place: usize) -> String {
    format!("clock-{place}")
}

/// Lets time pass: what is tested is what happens at any instant.
fn pause(time: Duration) {
    let (_never_used, nothing): (Sender<()>, Receiver<()>) = channel();
    let _ = nothing.recv_timeout(time);
}

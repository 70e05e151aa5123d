//! What people do meanwhile: report, edit, pause, release, ask. Never through a door that people do not have.

use chrono::{Days, TimeDelta};
use fristd::daemon::bounce::take_bounce;
use fristd::daemon::recording::{RecordError, record};
use fristd::domain::request::{Asker, ReceiptRequest, import_signal};
use fristd::domain::{Mailbox, Month};
use fristd::store::{OutboxFilter, StoreError, Tx};

use super::generator;
use super::world::World;

const ACTOR: &str = "zrk";

impl World {
    /// Somebody does something. What the database refuses was not done.
    pub async fn act(&mut self) {
        let choice = self.dice.below(100);
        let done = match choice {
            0..=59 => self.report().await,
            60..=65 => self.signal().await,
            66..=73 => {
                let (mut land, today) = ((*self.files.land).clone(), self.today());
                let words = generator::edit(&mut land, &mut self.dice, today);
                self.put_in_force(land);
                Ok(format!("edits: {words}"))
            }
            74..=76 => self.pause().await,
            77..=80 => self.steer().await,
            81..=83 => self.retry().await,
            84..=87 => self.bounce().await,
            88..=90 => self.clear().await,
            91..=94 => return self.import_list().await,
            _ => return self.ask_the_past().await,
        };
        let words = done.unwrap_or_else(|cause| format!("is refused: {cause}"));
        self.history.add(self.now, || format!("people: {words}"));
    }

    fn some_month(&mut self) -> Month {
        let this_month = Month::of(self.today());
        this_month.plus(if self.dice.one_in(3) { -1 } else { 0 })
    }

    async fn report(&mut self) -> Result<String, StoreError> {
        let month = self.some_month();
        let land = self.files.land.clone();
        let (Some(duty), Some(authority)) = (self.dice.pick(&land.duties), self.dice.pick(&land.authorities)) else {
            return Ok("nothing".to_owned());
        };
        let states = ["complete", "complete", "complete", "nil", "missing", "partial", "excused", "extended", "exempt"];
        let state = *self.dice.pick(&states).expect("there are states");
        let until = self.today() + Days::new(self.dice.between(1, 25) as u64);
        let mut request = ReceiptRequest {
            month: month.to_string(),
            duty: duty.id.to_owned(),
            authority: authority.id.clone(),
            state: state.to_owned(),
            ..ReceiptRequest::default()
        };
        match state {
            "partial" => request.parts = vec![duty.parts[0].to_owned()],
            "extended" => (request.until, request.reason) = (Some(until.to_string()), Some("Antrag".to_owned())),
            "excused" => request.reason = Some("Umzug".to_owned()),
            "exempt" => {
                request.reason = Some("keine Zuständigkeit".to_owned());
                if self.dice.one_in(3) {
                    request.until = Some((until + Days::new(60)).to_string());
                }
            }
            _ => {}
        }
        let asker = Asker { source: "manual", actor: ACTOR, now: self.now };
        let mut tx = self.store.write().await?;
        match record(&mut tx, &self.files.charter.settings, &request, asker).await {
            Ok(_) => tx.commit().await?,
            Err(RecordError::Store(cause)) => return Err(cause),
            Err(refused) => return Ok(format!("{} {state}: {refused}", authority.id)),
        }
        Ok(format!("{month} {} {} {state}", duty.id, authority.id))
    }

    async fn signal(&mut self) -> Result<String, StoreError> {
        let month = Month::of(self.today());
        let day = self.dice.between(1, 25) as u32;
        let Some(on) = month.day(day) else { return Ok("nothing".to_owned()) };
        let asker = Asker { source: "manual", actor: ACTOR, now: self.now };
        let Ok(signal) = import_signal(month, on, asker) else { return Ok("nothing".to_owned()) };
        let mut tx = self.store.write().await?;
        tx.record_import(&signal).await?;
        tx.commit().await?;
        Ok(format!("{month} imported on {on}"))
    }

    /// Pauses, and takes that back after a while by the next chance.
    async fn pause(&mut self) -> Result<String, StoreError> {
        let is_paused = self.judge.known.is_paused(i64::MAX);
        self.set_paused(!is_paused).await?;
        Ok(if is_paused { "resume" } else { "pause" }.to_owned())
    }

    pub async fn set_paused(&mut self, paused: bool) -> Result<(), StoreError> {
        let mut tx = self.store.write().await?;
        tx.set_paused(paused, ACTOR, self.now).await?;
        tx.commit().await
    }

    async fn steer(&mut self) -> Result<String, StoreError> {
        let is_release = !self.dice.one_in(3);
        let state = Some(fristd::domain::delivery::State::Held);
        let filter = OutboxFilter { state, ..OutboxFilter::default() };
        let now = self.now;
        let mut tx = self.store.write().await?;
        let count = match is_release {
            true => tx.release(&filter, ACTOR, now).await?,
            false => tx.discard(&filter, ACTOR, now).await?,
        };
        tx.commit().await?;
        Ok(format!("{} {count}", if is_release { "release" } else { "discard" }))
    }

    async fn retry(&mut self) -> Result<String, StoreError> {
        let filter = OutboxFilter::default();
        let mut tx = self.store.write().await?;
        let count = tx.retry(&filter, ACTOR, self.now).await?;
        tx.commit().await?;
        Ok(format!("retry {count}"))
    }

    async fn clear(&mut self) -> Result<String, StoreError> {
        let mut tx: Tx = self.store.write().await?;
        let flags = tx.flags().await?;
        let count = flags.len();
        for flag in flags {
            tx.unflag(&flag.mailbox, ACTOR, self.now).await?;
        }
        tx.commit().await?;
        Ok(format!("clear {count} flags"))
    }

    /// A mail that the relay took comes back days later (M6).
    async fn bounce(&mut self) -> Result<String, StoreError> {
        const BACK_MAX: TimeDelta = TimeDelta::days(20);
        let recent = |notice: &&super::judge::Notice| {
            notice.row.state == "accepted" && notice.row.accepted_at.is_some_and(|at| self.now - at < BACK_MAX)
        };
        let accepted: Vec<&str> = self
            .judge
            .order
            .iter()
            .filter_map(|id| self.judge.notices.get(id))
            .filter(recent)
            .map(|notice| notice.row.id.as_str())
            .collect();
        let Some(id) = self.dice.pick(&accepted).map(|id| (*id).to_owned()) else { return Ok("nothing".to_owned()) };
        let row = self.judge.notices[&id].row.clone();
        let status = if self.dice.one_in(3) { "5.2.2" } else { "5.1.1" };
        let Ok(mailbox) = Mailbox::parse(&row.mailbox) else { return Ok("nothing".to_owned()) };
        let lines = format!(
            "From: mailer-daemon@relay.example\nTo: fristd@localhost\nSubject: failed\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
             --b\nContent-Type: text/plain\n\nno\n\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; relay.example\n\nFinal-Recipient: rfc822; {mailbox}\nAction: failed\nStatus: {status}\n\
             Diagnostic-Code: smtp; 550 {status} no\n\n\
             --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id}@localhost>\nTo: {mailbox}\n\n--b--\n"
        );
        let bytes = lines.replace('\n', "\r\n").into_bytes();
        take_bounce(&self.store, &self.files.charter, &bytes, None, self.now).await?;
        Ok(format!("{} comes back with {status}", &id[..6]))
    }
}

//! S4 and S6: asks for standings of the past, and brings whole lists. Never believes what the model does not say as well.

use chrono::{DateTime, TimeDelta, Utc};
use fristd::daemon::take_list::{ListOrder, take_list};
use fristd::domain::Month;
use fristd::domain::list_report::Fate;
use fristd::domain::standing::standing_at;

use super::chronicle::{Receipt, fold, is_settled};
use super::judge::Actor;
use super::land::Deadline;
use super::reckoning::ZONE;
use super::world::World;

const SOURCE: &str = "aps";

/// An answer about the past, to be had again.
#[derive(Clone, Debug)]
pub struct Answer {
    month: Month,
    duty: String,
    authority: String,
    at: DateTime<Utc>,
    /// The last change before it was given.
    seq: i64,
    state: String,
}

impl World {
    /// S4: the standing at an instant of the past is what the receipts up to it amount to, and stays so.
    pub async fn ask_the_past(&mut self) {
        let land = self.files.land.clone();
        let at = self.now - TimeDelta::minutes(self.dice.between(0, 60 * 24 * 40));
        let month = Month::of(self.today()).plus(if self.dice.one_in(2) { -1 } else { 0 });
        let mut asked: Vec<Answer> = Vec::new();
        for duty in &land.duties {
            for authority in &land.authorities {
                let (duty, authority) = (duty.id.to_owned(), authority.id.clone());
                asked.push(Answer { month, duty, authority, at, seq: self.judge.seq, state: String::new() });
            }
        }
        // and some that were answered before
        for _ in 0..3 {
            asked.extend(self.dice.pick(&self.judge.answers).cloned());
        }
        let Ok(mut tx) = self.store.read().await else { return };
        for mut question in asked {
            let Answer { month, ref duty, ref authority, at, seq, .. } = question;
            let Ok(receipts) = tx.receipts_of(month, duty, authority).await else { return };
            let standing = standing_at(&receipts, at, ZONE);
            let known = self.judge.known.receipts(month, duty, authority);
            let (state, extended_to) = fold(known.iter().filter(|receipt| receipt.received_at <= at));
            let settled = is_settled(state, extended_to, at);
            let said = standing.state.as_str().to_owned();
            let holds = standing.is_settled() == settled && (said == "extended" || said == state);
            let words =
                format!("{month} {duty} {authority} at {at}: {said}, and the receipts say {state} {extended_to:?}");
            self.judge.demand(self.now, "S4", holds, || words);
            let came_late = known_since(self.judge.known.receipts(month, duty, authority), seq, at);
            if question.state.is_empty() {
                question.state = said;
                self.judge.answers.push(question);
            } else {
                let words = || format!("{question:?} is now answered with {said}");
                self.judge.demand(self.now, "S4", came_late || question.state == said, words);
            }
        }
        self.history.add(self.now, || format!("people: ask how it stood at {at}"));
    }

    /// S6: a whole list speaks only where it changes its mind, and the same list twice changes nothing.
    pub async fn import_list(&mut self) {
        let land = self.files.land.clone();
        let Some(duty) = land.duties.iter().find(|duty| matches!(duty.deadline, Deadline::Day { .. })) else { return };
        let month = Month::of(self.today());
        let mut text = format!("Behörde;Berichtsmonat;{0}-funded;{0}-unfunded;Fehlanzeige\n", duty.id);
        let mut says: Vec<(String, &str, String)> = Vec::new();
        for authority in land.authorities.iter().filter(|authority| authority.valid_to.is_none()) {
            let (cells, state, missing) = match self.dice.below(5) {
                0 => ("3;1;", "complete", ""),
                1 => (";4;", "partial", "[\"funded\"]"),
                2 => ("0;;", "partial", "[\"unfunded\"]"),
                3 => (";;ja", "nil", ""),
                _ => (";;", "missing", ""),
            };
            text += &format!("{};{};{cells}\n", authority.name, month.previous().in_words());
            says.push((authority.id.clone(), state, missing.to_owned()));
        }
        let expected: Vec<bool> = says
            .iter()
            .map(|(authority, state, missing)| {
                let receipts = self.judge.known.receipts(month, duty.id, authority);
                let last = receipts.iter().rfind(|receipt| receipt.source.ends_with(SOURCE));
                let before = last.map_or(("missing", ""), |last| (last.state.as_str(), last.missing.as_str()));
                before.0 != *state || (*state == "partial" && before.1 != missing)
            })
            .collect();
        let order = ListOrder {
            file_name: "liste.csv",
            bytes: text.as_bytes(),
            actor: "zrk",
            source: Some(SOURCE),
            ..ListOrder::default()
        };
        let before = self.judge.seq;
        let taken = take_list(&self.store, &self.files.charter, order, self.now).await;
        self.look(Actor::Person).await;
        let fate = taken.as_ref().map(|taken| taken.report.fate);
        self.history.add(self.now, || format!("people: bring a list: {:?}", fate.as_ref().ok()));
        if fate.is_err() || fate.is_ok_and(|fate| fate != Fate::Taken) {
            return;
        }
        for ((authority, state, _), is_news) in says.iter().zip(expected) {
            let receipts = self.judge.known.receipts(month, duty.id, authority);
            let new: Vec<&Receipt> = receipts.iter().filter(|receipt| receipt.seq > before).collect();
            let holds = new.len() == usize::from(is_news) && new.iter().all(|receipt| receipt.state == *state);
            let words =
                || format!("the list says {state} of {authority}, news: {is_news}; receipts: {new:?} of {receipts:?}");
            let (now, words) = (self.now, (!holds).then(words));
            self.judge.demand(now, "S6", holds, || words.unwrap_or_default());
        }
        let seq = self.judge.seq;
        let again = take_list(&self.store, &self.files.charter, order, self.now).await;
        self.look(Actor::Person).await;
        let changed = self.judge.seq != seq;
        self.judge.demand(self.now, "S6", !changed || again.is_err(), || {
            format!("the same list twice changed something:\n{text}")
        });
    }
}

/// Whether something was recorded after `seq` that is said to have been received by `at`: a clock that was set back.
fn known_since(receipts: &[Receipt], seq: i64, at: DateTime<Utc>) -> bool {
    receipts.iter().any(|receipt| receipt.seq > seq && receipt.received_at <= at)
}

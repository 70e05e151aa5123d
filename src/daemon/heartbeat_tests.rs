//! When a monitor is told, as a table.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attempt, Condition, Rhythm};
use crate::domain::breaker::Breaker;
use crate::domain::delivery::Reply;
use crate::store::StoreError;

#[test]
fn a_change_is_told_at_once_and_the_same_again_after_the_settings_seconds() {
    use Condition::{Failing, Well};
    let start: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
    let check = |label: &str, last: Option<(Condition, bool)>, now: Condition, seconds: i64, is_due: bool| {
        let last = last.map(|(condition, was_heard)| Attempt { condition, at: start, was_heard });
        let rhythm = Rhythm { every: TimeDelta::seconds(60), last };
        assert_eq!(rhythm.is_due(now, start + TimeDelta::seconds(seconds)), is_due, "{label}");
    };
    check("the first sign of life", None, Well, 0, true);
    check("well, ten seconds later", Some((Well, true)), Well, 10, false);
    check("well, a minute later", Some((Well, true)), Well, 60, true);
    check("well, with the clock set back", Some((Well, true)), Well, -3600, true);
    check("something goes wrong", Some((Well, true)), Failing("x"), 1, true);
    check("still wrong", Some((Failing("x"), true)), Failing("x"), 10, false);
    check("something else is wrong as well", Some((Failing("x"), true)), Failing("y"), 10, false);
    check("still wrong, a minute later", Some((Failing("x"), true)), Failing("y"), 60, true);
    check("well again", Some((Failing("x"), true)), Well, 1, true);
    check("not heard, with the next tick", Some((Well, false)), Well, 10, false);
    check("not heard, half a minute later", Some((Well, false)), Well, 30, true);
}

#[test]
fn what_is_told_names_no_cause_that_only_the_log_may_have() {
    let now: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
    let mut relay = Breaker::new(1);
    assert_eq!(Condition::after_round(&Ok(()), &relay), Condition::Well);
    relay.record(&Reply::NoRelay { text: "relay.example refused".to_owned() }, now);
    let failing = |condition: Condition| match condition {
        Condition::Failing(why) => why,
        Condition::Well => panic!("nothing is well"),
    };
    assert_eq!(
        failing(Condition::after_round(&Ok(()), &relay)),
        "the mail relay fails; mails wait, and one tries from time to time"
    );
    let cause = StoreError::Older { database: std::path::Path::new("/srv/zrk/fristd.sqlite").into() };
    let why = failing(Condition::after_round(&Err(cause.into()), &relay));
    assert_eq!(why, "the database cannot be used; tried again with every round");
}

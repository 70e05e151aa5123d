//! Reads what a store on either engine says about its notices, and holds it against what a relay took. Never writes.

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

use sqlx::{ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};

use super::sink::Taken;
use super::site::Site;

/// A notice as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerNotice {
    pub id: String,
    pub mailbox: String,
    pub state: String,
    /// How often its fate was unknown.
    pub uncertain: i64,
    /// In how many of its attempts the log of attempts says so.
    pub uncertain_attempts: i64,
}

/// What came of a delivery with many accidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Toll {
    pub notices: usize,
    /// Mails that the relay took, repetitions included.
    pub accepted: usize,
    /// Notices that it took more than once.
    pub twice: usize,
    /// Notices that were ever uncertain.
    pub uncertain: usize,
    /// Notices that were uncertain twice, so that a person decides (M6).
    pub left_to_a_person: usize,
    /// Those among them that the relay never took.
    pub left_and_never_taken: usize,
}

impl AddAssign for Toll {
    fn add_assign(&mut self, other: Self) {
        self.notices += other.notices;
        self.accepted += other.accepted;
        self.twice += other.twice;
        self.uncertain += other.uncertain;
        self.left_to_a_person += other.left_to_a_person;
        self.left_and_never_taken += other.left_and_never_taken;
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { notices, accepted, twice, uncertain, left_to_a_person, left_and_never_taken } = self;
        write!(
            f,
            "{notices} notices, {accepted} mails accepted, {twice} notices more than once, {uncertain} were uncertain, \
             {left_to_a_person} of them twice and left to a person ({left_and_never_taken} never accepted)"
        )
    }
}

/// All notices of a site's store.
pub fn notices(site: &Site) -> Vec<LedgerNotice> {
    const STATEMENT: &str = "SELECT id, mailbox, state, uncertain,
        (SELECT COUNT(*) FROM attempts WHERE notice = notices.id AND outcome = 'uncertain') FROM notices";
    type Row = (String, String, String, i64, i64);
    let work = async {
        match site.database_url() {
            Some(url) => {
                let mut connection = PgConnection::connect(&url).await?;
                sqlx::query_as::<_, Row>(STATEMENT).fetch_all(&mut connection).await
            }
            None => {
                let mut connection = SqliteConnectOptions::new().filename(site.database()).connect().await?;
                sqlx::query_as::<_, Row>(STATEMENT).fetch_all(&mut connection).await
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rows = runtime.block_on(work).expect("the store can be read");
    rows.into_iter()
        .map(|(id, mailbox, state, uncertain, uncertain_attempts)| LedgerNotice {
            id,
            mailbox,
            state,
            uncertain,
            uncertain_attempts,
        })
        .collect()
}

/// Holds the promise (M6, N4) against what happened: every notice was taken at least once by the relay, and more than once only
/// where it went through `uncertain`, each time as the same mail to the same mailbox; nothing is in anybody's hands; the log is as
/// it was written. Only a notice that was uncertain twice may have been taken never, and then a person is asked.
#[track_caller]
pub fn judge(site: &Site, accepted: &HashMap<String, Taken>, expected: usize, context: &str) -> Toll {
    let notices = notices(site);
    let mut toll = Toll { notices: expected, ..Toll::default() };
    let mut known = HashMap::new();
    for notice in notices.iter().filter(|notice| notice.mailbox.starts_with("meldung@")) {
        let LedgerNotice { id, mailbox, state, uncertain, uncertain_attempts } = notice;
        let said = format!("{context}: {id} to {mailbox} is {state} and was uncertain {uncertain} times");
        assert_eq!(uncertain, uncertain_attempts, "{said}, but its attempts say otherwise");
        let message_id = format!("<{id}@zrk-nrw.example>");
        let times = accepted.get(&message_id).map_or(0, |taken| {
            assert!(taken.recipients.iter().all(|recipient| recipient == mailbox), "{said}, went to {taken:?}");
            taken.recipients.len()
        });
        match state.as_str() {
            "accepted" => assert!(times >= 1, "{said}, but the relay never took it"),
            "uncertain" => assert!(*uncertain >= 2, "{said}, and was not sent once more"),
            _ => panic!("{said}, and the relay took it {times} times"),
        }
        assert!(times as i64 - 1 <= *uncertain, "{said}, but the relay took it {times} times");
        assert!(known.insert(message_id, ()).is_none(), "{said}, and is there twice");
        toll.accepted += times;
        toll.twice += usize::from(times > 1);
        toll.uncertain += usize::from(*uncertain > 0);
        toll.left_to_a_person += usize::from(state == "uncertain");
        toll.left_and_never_taken += usize::from(state == "uncertain" && times == 0);
    }
    assert_eq!(known.len(), expected, "{context}: every mailbox has one notice");
    let stranger = accepted.iter().find(|(id, taken)| {
        !known.contains_key(*id) && taken.recipients.iter().any(|recipient| recipient.starts_with("meldung@"))
    });
    assert_eq!(stranger, None, "{context}: the relay took a mail that no notice stands for");
    let verified = site.command(&["audit", "verify"]).output().expect("the built binary starts");
    assert!(verified.status.success(), "{context}: audit verify: {}", String::from_utf8_lossy(&verified.stderr));
    toll
}

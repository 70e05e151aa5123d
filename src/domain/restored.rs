//! After a restoration from a backup: what may have been said since it was made waits for a person (N9). Never restores anything.

use chrono::{DateTime, Utc};

use super::dates::day_in_words;
use super::ladder::Ladder;
use super::notice::{Alert, NewNotice};

/// Why a notice waits.
pub const REASON: &str = "the database was restored from a backup; whether this was sent since is not known";

/// Holds every notice whose time had come when the database was restored, and says so.
pub(super) fn hold_unknown(
    ladder: &Ladder<'_>,
    restored_at: Option<DateTime<Utc>>,
    queue: &mut [NewNotice],
) -> Option<Alert> {
    let restored_at = restored_at?;
    let mut held = 0;
    for notice in queue.iter_mut().filter(|notice| notice.hold.is_none() && notice.due_at <= restored_at) {
        notice.hold = Some(REASON.to_owned());
        held += 1;
    }
    let (duty, month) = (ladder.duty, ladder.month);
    (held > 0).then(|| Alert {
        key: format!("restored:{month}:{}:{}", duty.id, restored_at.timestamp()),
        headline: format!("Mitteilungen {} {} zurückgehalten", duty.module, month.in_words()),
        detail: format!(
            "Der Datenbestand wurde aus einer Sicherung wiederhergestellt. Ob seither schon versandt wurde, was nun fällig ist, steht \
             nicht fest; {held} Mitteilungen zum Fristablauf {} warten deshalb. Meldungseingänge seit der Sicherung fehlen: Bitte \
             Listen erneut einlesen und danach mit „fristd outbox release --month {month}“ freigeben oder mit „fristd outbox \
             discard --month {month}“ verwerfen.",
            day_in_words(ladder.deadline.ends_on)
        ),
    })
}

//! What a delivery tells the ZRK, in German. Never decides what became of a mail.

use chrono_tz::Tz;

use crate::domain::Alert;
use crate::domain::dates::{date_in_words, local_date};
use crate::domain::delivery::Outcome;
use crate::store::ClaimedNotice;

/// A mailbox refuses mail for good (M6).
pub(super) fn rejected_alert(claimed: &ClaimedNotice, reply: &str) -> Alert {
    let mailbox = &claimed.notice.mailbox;
    Alert {
        key: format!("rejected:{}:{}", claimed.id, claimed.attempts),
        headline: format!("Postfach {mailbox} nimmt keine Post an"),
        detail: format!(
            "Antwort des Mailservers: „{reply}“. Das Postfach ist gekennzeichnet und erhält nichts mehr, bis die Anschrift in \
             contacts.csv berichtigt oder die Mitteilung mit „fristd outbox retry {}“ wiederholt wird.",
            &claimed.id[..8]
        ),
    }
}

/// The fate of a mail stays unknown (M6).
pub(super) fn uncertain_alert(claimed: &ClaimedNotice, outcome: &Outcome) -> Option<Alert> {
    (*outcome == Outcome::Uncertain).then(|| Alert {
        key: format!("uncertain:{}:{}", claimed.id, claimed.attempts),
        headline: format!("Zustellung an {} ungewiss", claimed.notice.mailbox),
        detail: format!(
            "Die Verbindung zum Mailserver brach ab, nachdem die Nachricht übergeben war. Ob sie angekommen ist, steht nicht \
             fest. Sie wird nicht von selbst noch einmal gesendet; mit „fristd outbox retry {}“ geschieht das.",
            &claimed.id[..8]
        ),
    })
}

/// A step's time was over before it could be delivered.
pub(super) fn expired_alert(claimed: &ClaimedNotice, reason: &str, zone: Tz) -> Alert {
    let ClaimedNotice { notice, .. } = claimed;
    Alert {
        key: format!(
            "expired:{}:{}:{}:{}",
            notice.month,
            notice.duty.as_deref().unwrap_or("-"),
            notice.step,
            notice.revision
        ),
        headline: format!("Mitteilungen vom {} nicht mehr zugestellt", date_in_words(local_date(notice.due_at, zone))),
        detail: format!(
            "Mindestens eine Mitteilung der Stufe {} konnte nicht zugestellt werden, bevor ihre Zeit vorüber war ({reason}). \
             Welche es sind, zeigt „fristd outbox list --state expired“.",
            notice.step
        ),
    }
}

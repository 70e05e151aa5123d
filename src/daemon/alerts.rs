//! What a delivery tells the ZRK, in German. Never decides what became of a mail.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::dates::{date_in_words, instant_in_words, local_date};
use crate::domain::delivery::Outcome;
use crate::domain::escalation::is_reachable;
use crate::domain::{Alert, Mailbox, Owner};
use crate::settings::Settings;
use crate::store::{ClaimedNotice, OutboxNotice};

/// A mailbox refuses mail for good (M6).
pub(super) fn rejected_alert(claimed: &ClaimedNotice, reply: &str) -> Alert {
    let mailbox = &claimed.notice.mailbox;
    Alert {
        key: format!("rejected:{}:{}", claimed.id, claimed.attempts),
        headline: format!("Postfach {mailbox} nimmt keine Post an"),
        detail: format!(
            "Antwort des Mailservers: „{reply}“. Das Postfach ist gekennzeichnet und erhält nichts mehr, bis die Anschrift in \
             contacts.csv berichtigt, das Postfach mit „fristd contact clear {mailbox}“ freigegeben oder die Mitteilung mit \
             „fristd outbox retry {}“ wiederholt wird.",
            &claimed.id[..8]
        ),
    }
}

/// A mail came back as undeliverable for good (M6, N7). `flagged` has its mailbox already.
pub(super) fn returned_alert(
    settings: &Settings,
    notice: &OutboxNotice,
    words: &str,
    sha256: &str,
    flagged: &HashSet<Mailbox>,
    now: DateTime<Utc>,
) -> Alert {
    let (roster, zone, mailbox) = (&settings.roster, settings.rulebook.zone, &notice.mailbox);
    let today = local_date(now, zone);
    let (mut owners, mut unreachable, mut silent_offices) = (Vec::new(), Vec::new(), Vec::new());
    // also one for which a deputy stands in at the moment: it is that mailbox that has to be put right
    let theirs = roster.contacts().iter().filter(|contact| contact.mailbox == *mailbox && contact.is_valid_on(today));
    let theirs: BTreeSet<&Owner> = theirs.map(|contact| &contact.owner).collect();
    for owner in theirs {
        match owner {
            Owner::Authority(id) => {
                let name = roster.authority(id).map_or(&**id, |authority| authority.name.as_str());
                owners.push(name);
                if !is_reachable(roster, flagged, id, today) {
                    unreachable.push(name);
                }
            }
            Owner::Office(id) => {
                let name = roster.office(id).map_or(&**id, |office| office.name.as_str());
                owners.push(name);
                if roster.contacts_of(owner, today).all(|contact| flagged.contains(&contact.mailbox)) {
                    silent_offices.push(name);
                }
            }
        }
    }
    let whose = if owners.is_empty() { "steht nicht mehr in contacts.csv".to_owned() } else { owners.join(", ") };
    let sent = notice.accepted_at.map(|at| format!(" vom {}", instant_in_words(at, zone))).unwrap_or_default();
    let subject = notice.subject.as_deref().unwrap_or_default();
    let mut consequence = match unreachable.as_slice() {
        [] => String::new(),
        names => format!(
            " Es war das letzte erreichbare Postfach: Als nicht erreichbar gilt nun {}; an die RRK wird dies nicht als Säumnis \
             gemeldet.",
            names.join(", ")
        ),
    };
    if !silent_offices.is_empty() {
        let names = silent_offices.join(", ");
        consequence +=
            &format!(" Es war das letzte erreichbare Postfach dieser Stelle: {names} erhält nun keine Berichte mehr.");
    }
    Alert {
        key: format!("returned:{}:{}", notice.id, &sha256[..16]),
        headline: format!("Nachricht an {mailbox} kam unzustellbar zurück"),
        detail: format!(
            "Postfach von: {whose}. Die Nachricht „{subject}“{sent} wurde nicht zugestellt. Angabe des Mailsystems: „{words}“. \
             Das Postfach ist gekennzeichnet und erhält nichts mehr.{consequence} Bitte die Anschrift in contacts.csv \
             berichtigen; ist sie richtig und das Postfach wieder bereit, „fristd contact clear {mailbox}“ aufrufen."
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

/// A document that should go with a mail cannot be made; the mail goes without it.
pub(super) fn document_alert(claimed: &ClaimedNotice, cause: &str) -> Alert {
    let ClaimedNotice { id, notice, .. } = claimed;
    let office = notice.office.as_deref().unwrap_or("-");
    Alert {
        key: format!("document:{id}:{cause:.40}"),
        headline: "Anlage kann nicht erstellt werden".to_owned(),
        detail: format!(
            "Die Mitteilung an {office} ({}) geht ohne eine ihrer Anlagen hinaus; sie ist für sich vollständig. Ursache: {cause}. \
             Bitte melden Sie das denen, die fristd betreuen.",
            notice.mailbox
        ),
    }
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

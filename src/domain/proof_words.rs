//! The text of a proof of dispatch, in German, as it is put on file (M7). Never looks anything up.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::chronicle::{Entry, Happened};
use super::dates::{date_in_words, day_in_words};
use super::deadline::Revision;
use super::delivery::State;
use super::duty::NoticeKind;
use super::proof::{AttemptProof, DutyProof, NoticeProof, Proof, ReturnProof};
use super::proof_reasons::reason_in_german;
use super::standing::Receipt;
use super::words::recorded_in_words;

/// What a proof is.
pub const SUBJECT: &str = "Nachweis über Fristen, Mitteilungen und Meldungseingänge";

/// What stands where nothing was sent or received.
pub const NOTHING: &str = "Keine.";

/// What it is, and its value.
pub type Fact = (&'static str, String);

/// Something that happened, in a line, and what more there is to say of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// What happened.
    pub words: String,
    /// Further lines; the first is the most important.
    pub details: Vec<String>,
}

/// The whole text, ending in a line break.
pub fn in_words(proof: &Proof) -> String {
    const LABEL_CHARS: usize = 17; // "Protokollstand:" and two spaces
    let mut text = String::new();
    line(&mut text, 0, SUBJECT);
    line(&mut text, 0, &"=".repeat(SUBJECT.chars().count()));
    text.push('\n');
    for about in particulars(proof) {
        fact(&mut text, 0, LABEL_CHARS, &about);
    }
    for (number, duty) in (1..).zip(&proof.duties) {
        text.push('\n');
        duty_in_words(&mut text, number, duty, proof);
    }
    text
}

fn duty_in_words(text: &mut String, number: usize, part: &DutyProof, proof: &Proof) {
    let zone = proof.zone;
    let heading = duty_heading(number, part, proof);
    line(text, 0, &heading);
    line(text, 0, &"-".repeat(heading.chars().count()));
    if !part.is_owed {
        line(text, 1, NOT_OWED);
    }
    title(text, "Frist");
    told(text, &deadlines(part, zone));
    title(text, "Gesendete Mitteilungen");
    if part.sent.is_empty() {
        line(text, 1, NOTHING);
    }
    for (index, notice) in (1..).zip(&part.sent) {
        notice_in_words(text, &format!("{number}.{index}"), notice, zone);
    }
    let unsent = unsent(part, zone);
    if !unsent.is_empty() {
        title(text, "Nicht gesendete Mitteilungen");
        told(text, &unsent);
    }
    title(text, "Meldungseingänge");
    if part.receipts.is_empty() {
        line(text, 1, NOTHING);
    }
    told(text, &receipts(part, zone));
    title(text, "Meldestand");
    line(text, 1, &standing(part, zone));
}

fn notice_in_words(text: &mut String, number: &str, notice: &NoticeProof, zone: Tz) {
    const NOTICE_LABEL_CHARS: usize = 12; // "Message-ID:" and a space
    const ATTEMPT_LABEL_CHARS: usize = 11; // "angenommen:"
    line(text, 1, &notice_heading(number, notice));
    if let Some(note) = notice_note(notice) {
        line(text, 2, &note);
    }
    for about in about_notice(notice, zone) {
        fact(text, 2, NOTICE_LABEL_CHARS, &about);
    }
    for attempt in &notice.attempts {
        line(text, 2, &attempt_heading(attempt));
        for about in about_attempt(attempt, zone) {
            fact(text, 3, ATTEMPT_LABEL_CHARS, &about);
        }
    }
    for report in &notice.returns {
        line(text, 2, &return_heading(report, zone));
        for about in about_return(report) {
            fact(text, 3, ATTEMPT_LABEL_CHARS, &about);
        }
    }
    fact(text, 2, NOTICE_LABEL_CHARS, &result(notice));
}

/// Of a duty that the authority does not owe.
pub const NOT_OWED: &str = "Die Behörde schuldet diese Meldung in diesem Monatslauf nicht.";

/// The authority's name, also if nobody knows it any more.
pub fn authority_name(proof: &Proof) -> &str {
    proof.name.as_deref().unwrap_or("(nicht mehr im Verzeichnis)")
}

/// About whom it is, who made it, when and from what.
pub fn particulars(proof: &Proof) -> Vec<Fact> {
    let zone = proof.zone;
    let name = authority_name(proof);
    let district =
        proof.district.map(|district| format!(", Regierungsbezirk {}", district.in_words())).unwrap_or_default();
    let instance = &proof.instance;
    let mark = instance.first_hash.as_deref().map(|hash| format!(", Kennung {hash}")).unwrap_or_default();
    let head = match &proof.log_head {
        Some((number, hash)) => format!("Eintrag {number}, SHA-256 {hash}"),
        None => "nicht feststellbar; das Protokoll ist zu prüfen (fristd audit verify)".to_owned(),
    };
    vec![
        ("Behörde", format!("{name} ({}){district}", proof.authority)),
        ("Monatslauf", proof.month.in_words()),
        ("Erstellt", moment(proof.produced_at, zone)),
        ("Erstellt mit", format!("fristd {}", instance.version)),
        ("Absender", format!("{} <{}>", instance.sender, instance.from)),
        ("Datenbestand", format!("seit {}{mark}", moment(instance.made_at, zone))),
        ("Protokollstand", head),
        ("Zeitangaben", format!("Ortszeit ({zone})")),
    ]
}

/// `1. Planungsdaten für Januar 2027`.
pub fn duty_heading(number: usize, part: &DutyProof, proof: &Proof) -> String {
    format!("{number}. {} für {}", part.duty.title, part.duty.period_of(proof.month).in_words())
}

/// The deadlines that were told, each with when and why; the computed one if none was.
pub fn deadlines(part: &DutyProof, zone: Tz) -> Vec<Told> {
    if part.revisions.is_empty() {
        let ends = day_in_words(part.deadline.ends_on);
        let words = format!("Noch nicht angekündigt; nach den Regeln {ends}.");
        return vec![Told { words, details: Vec::new() }];
    }
    let revision = |revision: &Revision| {
        let deadline = revision.deadline;
        let ends = match deadline.ends_on == deadline.stated_on {
            true => String::new(),
            false => format!(", endet mit Ablauf von {}", day_in_words(deadline.ends_on)),
        };
        let import = match part.duty.follows_import() {
            true => format!(" (Datenimport {})", date_in_words(deadline.import_on)),
            false => String::new(),
        };
        let mut details = vec![format!("festgelegt am {}", moment(revision.frozen_at, zone))];
        details.extend(revision.reason.as_ref().map(|reason| format!("Grund der Korrektur: {reason}")));
        let words = format!("Fassung {}: {}{ends}{import}", revision.number, day_in_words(deadline.stated_on));
        Told { words, details }
    };
    part.revisions.iter().map(revision).collect()
}

/// What was not sent, and why.
pub fn unsent(part: &DutyProof, zone: Tz) -> Vec<Told> {
    let notices = part.not_sent.iter().map(|notice| Told {
        words: format!(
            "{} {}, fällig am {}",
            kind_in_words(notice.kind),
            addressee(notice),
            moment(notice.due_at, zone)
        ),
        details: vec![
            format!("{}{}", state_of_unsent(notice.state), because(notice.reason.as_deref())),
            format!("Vorgang {}", notice.id),
        ],
    });
    let skipped = part.skipped.iter().map(|step| {
        let kind = kind_in_words(step.kind);
        let due_at = moment(step.due_at, zone);
        Told {
            words: format!("{kind} (Stufe {}), fällig am {due_at}, an niemanden", step.step),
            details: vec![format!("übersprungen{}", because(step.skipped.as_deref()))],
        }
    });
    notices.chain(skipped).collect()
}

/// What the authority reported, and extensions that ran out.
pub fn receipts(part: &DutyProof, zone: Tz) -> Vec<Told> {
    let told = |entry: &Entry| match &entry.what {
        Happened::Recorded(receipt) => receipt_told(receipt, part, zone),
        Happened::ExtensionRanOut { until } => {
            let (at, until) = (moment(entry.at, zone), date_in_words(*until));
            Told { words: format!("{at}: Die Verlängerung bis {until} ist abgelaufen."), details: Vec::new() }
        }
    };
    part.receipts.iter().map(told).collect()
}

/// The standing at the end, since when, and whether in time.
pub fn standing(part: &DutyProof, zone: Tz) -> String {
    let since = part.standing.since.map(|since| format!(" seit {}", moment(since, zone))).unwrap_or_default();
    let in_time = match (part.in_time, part.standing.is_settled()) {
        (Some(true), true) => ", fristgerecht",
        (Some(false), true) => ", verspätet",
        (Some(false), false) => ", Frist versäumt",
        _ => "",
    };
    format!("{}{since}{in_time}", recorded_in_words(&part.duty, &part.standing.state))
}

/// `1.2 Erinnerung an rueckkehr@essen.example`.
pub fn notice_heading(number: &str, notice: &NoticeProof) -> String {
    format!("{number} {} {}", kind_in_words(notice.kind), addressee(notice))
}

/// Why others than the authority are concerned, if they are.
pub fn notice_note(notice: &NoticeProof) -> Option<String> {
    match &notice.office {
        Some((_, name)) => {
            Some(format!("Diese Mitteilung ging an eine Stelle ({name}); die Behörde ist darin aufgeführt."))
        }
        None if notice.authorities > 1 => Some(format!(
            "Das Postfach ist für mehrere Behörden zuständig; die Mitteilung betraf {}.",
            notice.authorities
        )),
        None => None,
    }
}

/// When a notice was due, its subject and its Message-ID.
pub fn about_notice(notice: &NoticeProof, zone: Tz) -> Vec<Fact> {
    let due_at = moment(notice.due_at, zone);
    let subject = notice.subject.as_ref().filter(|subject| !subject.is_empty());
    let mut facts = vec![("Fällig", format!("{due_at} (Stufe {}, Fassung {})", notice.step, notice.revision))];
    facts.extend(subject.map(|subject| ("Betreff", subject.clone())));
    facts.push(("Message-ID", notice.message_id.clone()));
    facts
}

/// What became of a notice, and why.
pub fn result(notice: &NoticeProof) -> Fact {
    let reason = match notice.state {
        State::Accepted | State::Retry => String::new(),
        // what came back stands above
        State::Rejected if notice.returns.iter().any(|report| report.is_believed) => String::new(),
        _ => because(notice.reason.as_deref()),
    };
    ("Ergebnis", format!("{}{reason}", result_in_words(notice)))
}

/// `1. Versuch`.
pub fn attempt_heading(attempt: &AttemptProof) -> String {
    format!("{}. Versuch", attempt.number)
}

/// When an attempt was made, what the mail system answered, and the mail's hash and size.
pub fn about_attempt(attempt: &AttemptProof, zone: Tz) -> Vec<Fact> {
    let mut facts = Vec::new();
    facts.extend(attempt.handed_over_at.map(|at| ("übergeben", moment(at, zone))));
    let outcome = match attempt.outcome {
        State::Accepted => "angenommen",
        State::Retry => "vorläufig abgewiesen",
        State::Rejected => "abgewiesen",
        State::Uncertain => "ungewiss, es kam keine Antwort",
        _ => "ohne Antwort bis jetzt",
    };
    facts.push(match attempt.outcome {
        State::Claimed => (outcome, String::new()),
        _ => (outcome, moment(attempt.ended_at, zone)),
    });
    facts.push(("Antwort", format!("„{}“", attempt.reply)));
    if let Some(sha256) = &attempt.sha256 {
        let unsent = if attempt.size_bytes.is_none() { " (Mail erstellt, nicht übergeben)" } else { "" };
        facts.push(("SHA-256", format!("{sha256}{unsent}")));
    }
    if let Some(size) = attempt.size_bytes {
        let kept = match attempt.mail {
            Some(_) => "im Wortlaut aufbewahrt",
            None => "nicht mehr aufbewahrt; Prüfsumme und Größe bleiben",
        };
        facts.push(("Größe", format!("{size} Bytes, {kept}")));
    }
    facts
}

/// When a report about a mail came, and what it says.
pub fn return_heading(report: &ReturnProof, zone: Tz) -> String {
    let verdict = match report.verdict.as_str() {
        "hard" => "endgültig unzustellbar",
        "soft" => "nicht zugestellt",
        _ => "verzögert, Zustellung wird weiter versucht",
    };
    let belief = if report.is_believed { "" } else { " (nicht belegt und daher ohne Folgen)" };
    format!("Rückmeldung am {}: {verdict}{belief}", moment(report.received_at, zone))
}

/// The remote system's words and the hash of its report.
pub fn about_return(report: &ReturnProof) -> Vec<Fact> {
    let status = report.status.as_deref().map(|status| format!("{status} ")).unwrap_or_default();
    vec![("Angabe", format!("„{status}{}“", report.diagnostic)), ("SHA-256", report.sha256.clone())]
}

fn receipt_told(receipt: &Receipt, part: &DutyProof, zone: Tz) -> Told {
    let source = match receipt.source.as_str() {
        "manual" => "von Hand".to_owned(),
        "arrangement" => "Dauerregelung".to_owned(),
        other => other.strip_prefix("list:").map_or(other.to_owned(), |list| format!("Liste {list}")),
    };
    let state = recorded_in_words(&part.duty, &receipt.state);
    let reported = moment(receipt.reported_at, zone);
    let mut details = vec![format!("gemeldet am {reported}; Quelle: {source}; erfasst von {}", receipt.actor)];
    details.extend(receipt.why().map(|why| format!("Grund: {why}")));
    Told { words: format!("{}: {state}", moment(receipt.received_at, zone)), details }
}

/// What a notice is, in the words of letters.
pub fn kind_in_words(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Announcement => "Ankündigung der Frist",
        NoticeKind::Reminder => "Erinnerung",
        NoticeKind::Overdue => "Mitteilung über die abgelaufene Frist",
        NoticeKind::Escalation => "Bericht über ausstehende Meldungen",
        NoticeKind::Summary => "Übersicht",
        NoticeKind::LongSilence => "Bericht über anhaltend ausstehende Meldungen",
        NoticeKind::Correction => "Fristkorrektur",
        NoticeKind::AllClear => "Vollzähligkeitsmeldung",
        NoticeKind::ZrkNotice => "Hinweis an die ZRK",
    }
}

/// What became of a notice that was tried.
pub fn result_in_words(notice: &NoticeProof) -> &'static str {
    let came_back = notice.returns.iter().any(|report| report.is_believed && report.verdict != "delayed");
    match notice.state {
        State::Accepted => "vom Mailsystem angenommen",
        State::Rejected if came_back => "nicht zugestellt; die Mail kam zurück",
        State::Rejected => "vom Mailsystem endgültig abgewiesen",
        State::Retry => "noch nicht angenommen; wird weiter versucht",
        State::Uncertain => "ungewiss, ob zugestellt",
        State::Claimed => "wird gerade übergeben",
        State::Withdrawn => "nicht noch einmal gesendet; zurückgezogen",
        State::Expired => "nicht angenommen, bevor ihre Zeit vorüber war",
        State::Queued | State::Held | State::Skipped => "wartet",
    }
}

fn state_of_unsent(state: State) -> &'static str {
    match state {
        State::Withdrawn => "zurückgezogen",
        State::Held => "zurückgehalten, bis eine Person sie freigibt",
        State::Expired => "nicht mehr gesendet, ihre Zeit war vorüber",
        State::Skipped => "übersprungen",
        _ => "noch nicht gesendet; wartet",
    }
}

fn addressee(notice: &NoticeProof) -> String {
    let mailbox = match notice.mailbox.is_removed() {
        true => "Anschrift nach Ablauf der Aufbewahrung oder auf Verlangen entfernt",
        false => notice.mailbox.as_str(),
    };
    match &notice.office {
        Some((_, name)) => format!("an {name}, {mailbox}"),
        None => format!("an {mailbox}"),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {}", reason_in_german(reason))).unwrap_or_default()
}

/// `9. Dezember 2026, 09:12:07 Uhr` in local time: to the second, because one mail follows another in less than a minute.
fn moment(instant: DateTime<Utc>, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    format!("{}, {} Uhr", date_in_words(local.date_naive()), local.format("%H:%M:%S"))
}

fn title(text: &mut String, words: &str) {
    let _ = write!(text, "\n{words}\n");
}

fn told(text: &mut String, all: &[Told]) {
    for Told { words, details } in all {
        line(text, 1, words);
        details.iter().for_each(|detail| line(text, 2, detail));
    }
}

fn fact(text: &mut String, depth: usize, label_chars: usize, (what, value): &Fact) {
    let label = format!("{what}:");
    line(text, depth, format!("{label:<label_chars$} {value}").trim_end());
}

fn line(text: &mut String, depth: usize, words: &str) {
    let _ = writeln!(text, "{}{words}", "   ".repeat(depth));
}

//! The text of a proof of dispatch, in German, as it is put on file (M7). Never looks anything up.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::chronicle::Happened;
use super::dates::{date_in_words, day_in_words};
use super::delivery::State;
use super::duty::NoticeKind;
use super::list_report::state_in_words;
use super::proof::{AttemptProof, DutyProof, NoticeProof, Proof, ReturnProof};
use super::proof_reasons::reason_in_german;
use super::standing::Receipt;

/// The whole text, ending in a line break.
pub fn in_words(proof: &Proof) -> String {
    let mut text = String::new();
    let zone = proof.zone;
    let name = proof.name.as_deref().unwrap_or("(nicht mehr im Verzeichnis)");
    let district =
        proof.district.map(|district| format!(", Regierungsbezirk {}", district.in_words())).unwrap_or_default();
    let instance = &proof.instance;
    let mark = instance.first_hash.as_deref().map(|hash| format!(", Kennung {hash}")).unwrap_or_default();
    let head = match &proof.log_head {
        Some((number, hash)) => format!("Eintrag {number}, SHA-256 {hash}"),
        None => "nicht feststellbar; das Protokoll ist zu prüfen (fristd audit verify)".to_owned(),
    };
    line(&mut text, 0, "Nachweis über Fristen, Mitteilungen und Meldungseingänge");
    line(&mut text, 0, "========================================================");
    text.push('\n');
    line(&mut text, 0, &format!("Behörde:          {name} ({}){district}", proof.authority));
    line(&mut text, 0, &format!("Monatslauf:       {}", proof.month.in_words()));
    line(&mut text, 0, &format!("Erstellt:         {}", moment(proof.produced_at, zone)));
    line(&mut text, 0, &format!("Erstellt mit:     fristd {}", instance.version));
    line(&mut text, 0, &format!("Absender:         {} <{}>", instance.sender, instance.from));
    line(&mut text, 0, &format!("Datenbestand:     seit {}{mark}", moment(instance.made_at, zone)));
    line(&mut text, 0, &format!("Protokollstand:   {head}"));
    line(&mut text, 0, &format!("Zeitangaben:      Ortszeit ({zone})"));
    for (number, duty) in (1..).zip(&proof.duties) {
        text.push('\n');
        duty_in_words(&mut text, number, duty, proof);
    }
    text
}

fn duty_in_words(text: &mut String, number: usize, part: &DutyProof, proof: &Proof) {
    let zone = proof.zone;
    let heading = format!("{number}. {} für {}", part.duty.title, part.duty.period_of(proof.month).in_words());
    line(text, 0, &heading);
    line(text, 0, &"-".repeat(heading.chars().count()));
    if !part.is_owed {
        line(text, 1, "Die Behörde schuldet diese Meldung in diesem Monatslauf nicht.");
    }
    title(text, "Frist");
    if part.revisions.is_empty() {
        let ends = day_in_words(part.deadline.ends_on);
        line(text, 1, &format!("Noch nicht angekündigt; nach den Regeln {ends}."));
    }
    for revision in &part.revisions {
        let deadline = revision.deadline;
        let ends = match deadline.ends_on == deadline.stated_on {
            true => String::new(),
            false => format!(", endet mit Ablauf von {}", day_in_words(deadline.ends_on)),
        };
        let import = match part.duty.follows_import() {
            true => format!(" (Datenimport {})", date_in_words(deadline.import_on)),
            false => String::new(),
        };
        line(text, 1, &format!("Fassung {}: {}{ends}{import}", revision.number, day_in_words(deadline.stated_on)));
        line(text, 2, &format!("festgelegt am {}", moment(revision.frozen_at, zone)));
        if let Some(reason) = &revision.reason {
            line(text, 2, &format!("Grund der Korrektur: {reason}"));
        }
    }
    title(text, "Gesendete Mitteilungen");
    if part.sent.is_empty() {
        line(text, 1, "Keine.");
    }
    for (index, notice) in (1..).zip(&part.sent) {
        notice_in_words(text, &format!("{number}.{index}"), notice, zone);
    }
    if !part.not_sent.is_empty() || !part.skipped.is_empty() {
        title(text, "Nicht gesendete Mitteilungen");
    }
    for notice in &part.not_sent {
        let to = addressee(notice);
        line(text, 1, &format!("{} {to}, fällig am {}", kind_in_words(notice.kind), moment(notice.due_at, zone)));
        line(text, 2, &format!("{}{}", state_of_unsent(notice.state), because(notice.reason.as_deref())));
        line(text, 2, &format!("Vorgang {}", notice.id));
    }
    for step in &part.skipped {
        let kind = kind_in_words(step.kind);
        line(text, 1, &format!("{kind} (Stufe {}), fällig am {}, an niemanden", step.step, moment(step.due_at, zone)));
        line(text, 2, &format!("übersprungen{}", because(step.skipped.as_deref())));
    }
    title(text, "Meldungseingänge");
    if part.receipts.is_empty() {
        line(text, 1, "Keine.");
    }
    for entry in &part.receipts {
        match &entry.what {
            Happened::Recorded(receipt) => receipt_in_words(text, receipt, part, zone),
            Happened::ExtensionRanOut { until } => {
                let until = date_in_words(*until);
                line(text, 1, &format!("{}: Die Verlängerung bis {until} ist abgelaufen.", moment(entry.at, zone)));
            }
        }
    }
    title(text, "Meldestand");
    let since = part.standing.since.map(|since| format!(" seit {}", moment(since, zone))).unwrap_or_default();
    let in_time = match (part.in_time, part.standing.is_settled()) {
        (Some(true), true) => ", fristgerecht",
        (Some(false), true) => ", verspätet",
        (Some(false), false) => ", Frist versäumt",
        _ => "",
    };
    line(text, 1, &format!("{}{since}{in_time}", state_in_words(&part.duty, &part.standing.state)));
}

fn notice_in_words(text: &mut String, number: &str, notice: &NoticeProof, zone: Tz) {
    line(text, 1, &format!("{number} {} {}", kind_in_words(notice.kind), addressee(notice)));
    if let Some((_, name)) = &notice.office {
        line(text, 2, &format!("Diese Mitteilung ging an eine Stelle ({name}); die Behörde ist darin aufgeführt."));
    } else if notice.authorities > 1 {
        line(
            text,
            2,
            &format!("Das Postfach ist für mehrere Behörden zuständig; die Mitteilung betraf {}.", notice.authorities),
        );
    }
    line(
        text,
        2,
        &format!("Fällig:      {} (Stufe {}, Fassung {})", moment(notice.due_at, zone), notice.step, notice.revision),
    );
    if let Some(subject) = notice.subject.as_deref().filter(|subject| !subject.is_empty()) {
        line(text, 2, &format!("Betreff:     {subject}"));
    }
    line(text, 2, &format!("Message-ID:  {}", notice.message_id));
    for attempt in &notice.attempts {
        attempt_in_words(text, attempt, zone);
    }
    for report in &notice.returns {
        return_in_words(text, report, zone);
    }
    let reason = match notice.state {
        State::Accepted | State::Retry => String::new(),
        // what came back stands above
        State::Rejected if notice.returns.iter().any(|report| report.is_believed) => String::new(),
        _ => because(notice.reason.as_deref()),
    };
    line(text, 2, &format!("Ergebnis:    {}{reason}", result_in_words(notice)));
}

fn attempt_in_words(text: &mut String, attempt: &AttemptProof, zone: Tz) {
    line(text, 2, &format!("{}. Versuch", attempt.number));
    if let Some(at) = attempt.handed_over_at {
        line(text, 3, &format!("übergeben:  {}", moment(at, zone)));
    }
    let outcome = match attempt.outcome {
        State::Accepted => "angenommen:",
        State::Retry => "vorläufig abgewiesen:",
        State::Rejected => "abgewiesen:",
        State::Uncertain => "ungewiss, es kam keine Antwort:",
        _ => "ohne Antwort bis jetzt:",
    };
    match attempt.outcome {
        State::Claimed => line(text, 3, outcome),
        _ => line(text, 3, &format!("{outcome:<11} {}", moment(attempt.ended_at, zone))),
    }
    line(text, 3, &format!("Antwort:    „{}“", attempt.reply));
    if let Some(sha256) = &attempt.sha256 {
        let unsent = if attempt.size_bytes.is_none() { " (Mail erstellt, nicht übergeben)" } else { "" };
        line(text, 3, &format!("SHA-256:    {sha256}{unsent}"));
    }
    if let Some(size) = attempt.size_bytes {
        let kept = match attempt.mail {
            Some(_) => "im Wortlaut aufbewahrt",
            None => "nicht mehr aufbewahrt (Aufbewahrungsfrist); Prüfsumme und Größe bleiben",
        };
        line(text, 3, &format!("Größe:      {size} Bytes, {kept}"));
    }
}

fn return_in_words(text: &mut String, report: &ReturnProof, zone: Tz) {
    let verdict = match report.verdict.as_str() {
        "hard" => "endgültig unzustellbar",
        "soft" => "nicht zugestellt",
        _ => "verzögert, Zustellung wird weiter versucht",
    };
    let belief = if report.is_believed { "" } else { " (nicht belegt und daher ohne Folgen)" };
    line(text, 2, &format!("Rückmeldung am {}: {verdict}{belief}", moment(report.received_at, zone)));
    let status = report.status.as_deref().map(|status| format!("{status} ")).unwrap_or_default();
    line(text, 3, format!("Angabe:     „{status}{}“", report.diagnostic).trim_end());
    line(text, 3, &format!("SHA-256:    {}", report.sha256));
}

fn receipt_in_words(text: &mut String, receipt: &Receipt, part: &DutyProof, zone: Tz) {
    let source = match receipt.source.as_str() {
        "manual" => "von Hand".to_owned(),
        "arrangement" => "Dauerregelung".to_owned(),
        other => other.strip_prefix("list:").map_or(other.to_owned(), |list| format!("Liste {list}")),
    };
    let state = state_in_words(&part.duty, &receipt.state);
    line(text, 1, &format!("{}: {state}", moment(receipt.received_at, zone)));
    let reported = moment(receipt.reported_at, zone);
    line(text, 2, &format!("gemeldet am {reported}; Quelle: {source}; erfasst von {}", receipt.actor));
    if let Some(why) = receipt.why() {
        line(text, 2, &format!("Grund: {why}"));
    }
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

fn line(text: &mut String, depth: usize, words: &str) {
    let _ = writeln!(text, "{}{words}", "   ".repeat(depth));
}

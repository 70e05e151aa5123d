//! An escalation as a letter to be put on file. Never a fact that the report does not hold.

use chrono::{Days, NaiveDate};

use super::document::{Block, Cell, Column, Document, LetterTop, Table};
use super::escalation::{Escalation, because_in_words};
use crate::domain::dates::{date_in_words, day_in_words, instant_in_words, local_date};
use crate::domain::duty::NoticeKind;
use crate::domain::escalation::{Because, Case, Change, Dispatch, Gone};
use crate::domain::standing::ReceiptState;
use crate::domain::words::standing_in_words;

/// The letter.
pub(super) fn document(escalation: &Escalation<'_>) -> Document {
    let Escalation { letter, matter, report } = escalation;
    let head = &letter.letterhead;
    let title = escalation.title();
    let mut blocks = vec![
        Block::Paragraph("Sehr geehrte Damen und Herren,".to_owned()),
        Block::Paragraph(deadline(escalation)),
        Block::Key(how_many(escalation)),
        Block::Paragraph(which_report(escalation)),
        Block::Heading(format!("Ausstehende Meldungen, Stand {}", date_in_words(matter.today))),
        Block::Table(cases(escalation)),
        Block::Small(notes(escalation)),
    ];
    if let Some(before) = report.before.filter(|_| !report.gone.is_empty()) {
        let day = date_in_words(local_date(before, letter.zone));
        blocks.push(Block::Heading(format!("Seit dem Bericht vom {day} nicht mehr aufgeführt")));
        blocks.push(Block::Table(gone(escalation)));
    }
    let mut closing =
        "Bitte wirken Sie bei den genannten Behörden darauf hin, dass die Meldung nachgeholt wird. Sobald alle \
                       vorliegen, erhalten Sie eine Vollzähligkeitsmeldung."
            .to_owned();
    if !head.contact.is_empty() {
        closing.push_str(&format!(" Rückfragen richten Sie bitte an: {}", head.contact));
    }
    let end = ["Mit freundlichen Grüßen", ""].into_iter().map(str::to_owned);
    blocks.push(Block::Together(vec![
        Block::Paragraph(closing),
        Block::Lines(end.chain(head.signature.iter().cloned()).collect()),
        Block::Small("Dieses Schreiben wurde automatisch erstellt und gilt ohne Unterschrift.".to_owned()),
    ]));
    Document {
        subject: format!("{}, Frist {}", matter.title, date_in_words(matter.deadline.ends_on)),
        author: escalation.author(),
        written_on: matter.today,
        running_head: match head.file_number.as_str() {
            "" => title.clone(),
            number => format!("Az. {number} · {title}"),
        },
        top: top(escalation),
        title,
        blocks,
    }
}

fn top(escalation: &Escalation<'_>) -> LetterTop {
    let Escalation { letter, matter, report } = escalation;
    let mut particulars = Vec::new();
    if !letter.letterhead.file_number.is_empty() {
        particulars.push(("Aktenzeichen".to_owned(), letter.letterhead.file_number.clone()));
    }
    particulars.push(("Datum".to_owned(), date_in_words(matter.today)));
    particulars.push(("Bericht".to_owned(), format!("Nr. {} zu dieser Frist", report.number)));
    LetterTop {
        sender: letter.letterhead.sender().to_vec(),
        recipient: letter.office.iter().cloned().collect(),
        particulars,
    }
}

fn deadline(escalation: &Escalation<'_>) -> String {
    let Escalation { matter, report, .. } = escalation;
    let ends_on = matter.deadline.ends_on;
    let has_extension = report.cases.iter().any(|case| escalation.due_by(case) > ends_on);
    format!(
        "die Frist für die Meldung zum Berichtsmonat {} ({}) ist am {}, abgelaufen. {} seit dem {} überfällig{}.",
        bound(&matter.period.in_words()),
        matter.module,
        bound(&day_in_words(ends_on)),
        if report.cases.len() == 1 { "Die ausstehende Meldung ist" } else { "Die ausstehenden Meldungen sind" },
        bound_date(ends_on.checked_add_days(Days::new(1)).unwrap_or(ends_on)),
        if has_extension { ", bei verlängerter Frist seit deren Ablauf" } else { "" },
    )
}

/// `15. Dezember 2026` on one line.
fn bound_date(day: NaiveDate) -> String {
    bound(&date_in_words(day))
}

/// A date in words, broken after the weekday at most.
fn bound(date: &str) -> String {
    match date.rsplit_once(", ") {
        Some((weekday, day)) => format!("{weekday}, {}", day.replace(' ', "\u{a0}")),
        None => date.replace(' ', "\u{a0}"),
    }
}

fn how_many(escalation: &Escalation<'_>) -> String {
    let report = escalation.report;
    let count = report.cases.len();
    let partial = report.cases.iter().filter(|case| is_partial(case)).count();
    let verb = if count == 1 { "steht" } else { "stehen" };
    let district = report.district.in_words();
    let among = match partial {
        0 => String::new(),
        _ if partial == count => " (unvollständig)".to_owned(),
        _ => format!(", davon {partial} unvollständig"),
    };
    let unreachable = match report.unreachable_total {
        0 => "",
        1 => " Hinzu kommt eine Behörde ohne Meldung, die per E-Mail nicht erreichbar ist; darum kümmert sich die ZRK.",
        several => &format!(
            " Hinzu kommen {several} Behörden ohne Meldung, die per E-Mail nicht erreichbar sind; darum kümmert sich die ZRK."
        ),
    };
    let total = report.authorities_total;
    format!("Im Regierungsbezirk {district} {verb} {count} von {total} Meldungen aus{among}.{unreachable}")
}

fn is_partial(case: &Case) -> bool {
    matches!(case.standing.state, ReceiptState::Partial { .. })
}

fn which_report(escalation: &Escalation<'_>) -> String {
    let Escalation { letter, report, .. } = escalation;
    let Some(before) = report.before else { return "Dies ist der erste Bericht zu dieser Frist.".to_owned() };
    let count = |change| report.cases.iter().filter(|case| case.change == change).count();
    let settled = report.gone.iter().filter(|gone| gone.is_done()).count();
    let changes = [
        (count(Change::New), "neu aufgeführt"),
        (count(Change::Unchanged), "unverändert"),
        (count(Change::Moved), "geändert, aber noch nicht vollständig"),
        (settled, "erledigt"),
        (report.gone.len() - settled, "aus anderem Grund nicht mehr aufgeführt"),
    ];
    let changes: Vec<String> = changes
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count}\u{a0}{what}"))
        .collect();
    format!(
        "Dies ist der {}. Bericht zu dieser Frist; der vorige ist vom {}. Seither: {}.",
        report.number,
        bound_date(local_date(before, letter.zone)),
        changes.join(", ")
    )
}

fn cases(escalation: &Escalation<'_>) -> Table {
    let mut columns = vec![
        Column::new("Behörde", 38.0),
        Column::new("Meldestand", 50.0),
        Column::new("Tage überfällig", 23.0).to_the_right(),
        Column::new("Erinnert (zugestellt)", 32.5),
        Column::new("Versäumte Monate", 22.0),
    ];
    if escalation.report.before.is_some() {
        columns.insert(2, Column::new("Seit dem vorigen Bericht", 27.0));
    }
    Table {
        summary: "Die ausstehenden Meldungen je Behörde mit Meldestand, Tagen seit Fristende, Erinnerungen und versäumten Monaten"
            .to_owned(),
        columns,
        rows: escalation.report.cases.iter().map(|case| row(escalation, case)).collect(),
    }
}

fn row(escalation: &Escalation<'_>, case: &Case) -> Vec<Cell> {
    let Escalation { matter, report, .. } = escalation;
    let mut standing = standing_in_words(&case.standing, Some(matter.deadline.ends_on));
    if is_partial(case) && !case.missing.is_empty() {
        let verb = if case.missing.len() == 1 { "fehlt" } else { "fehlen" };
        standing.push_str(&format!(", es {verb}: {}", case.missing.join("; ")));
    }
    let mut standing = Cell::text(standing);
    if !case.also_missing.is_empty() {
        standing = standing.and(format!("Es fehlt auch: {}", case.also_missing.join(", ")));
    }
    let dispatches: Cell = match case.dispatches.as_slice() {
        [] => Cell::text("keine versandt"),
        some => some.iter().map(|dispatch| dispatch_line(escalation, dispatch)).collect(),
    };
    let missed = match report.months_known {
        0 => Cell::text("–"),
        known => Cell::text(format!("{} von {known}", case.months_missed)),
    };
    let missed = if case.missed_running > 1 { missed.and(format!("{} in Folge", case.missed_running)) } else { missed };
    let mut row =
        vec![Cell::strong(&case.name), standing, Cell::text(case.days_overdue.to_string()), dispatches, missed];
    if report.before.is_some() {
        row.insert(2, Cell::text(case.change_in_words().unwrap_or_default()));
    }
    row
}

/// As short as a narrow column needs it; the notes below the table say what it means.
fn dispatch_line(escalation: &Escalation<'_>, dispatch: &Dispatch) -> String {
    let zone = escalation.letter.zone;
    let line = match (dispatch.accepted_at, dispatch.returned_at) {
        (Some(at), _) => at.with_timezone(&zone).format("%d.%m.%Y, %H:%M").to_string(),
        (None, Some(at)) => format!("zurück {}", local_date(at, zone).format("%d.%m.%Y")),
        (None, None) => "nicht zugestellt".to_owned(),
    };
    if dispatch.kind == NoticeKind::Overdue { format!("{line} *") } else { line }
}

fn notes(escalation: &Escalation<'_>) -> String {
    let dispatches = || escalation.report.cases.iter().flat_map(|case| &case.dispatches);
    let known = escalation.report.months_known;
    let mut notes = String::new();
    if dispatches().any(|dispatch| dispatch.accepted_at.is_some()) {
        notes.push_str("Zugestellt heißt: Das Mailsystem hat die Nachricht zu dieser Zeit angenommen. ");
    }
    if dispatches().any(|dispatch| dispatch.returned_at.is_some()) {
        notes.push_str("Zurück heißt: Die Nachricht kam an diesem Tag als unzustellbar zurück. ");
    }
    if dispatches().any(|dispatch| dispatch.kind == NoticeKind::Overdue) {
        notes.push_str("* Mitteilung nach Fristablauf. ");
    }
    if known == 0 {
        notes.push_str("Versäumte Monate: Noch ist kein abgeschlossener Monatslauf erfasst. ");
    } else {
        notes.push_str(&format!(
            "Versäumte Monate: Monatsläufe ohne vollständige Meldung unter den {known} abgeschlossenen der letzten zwölf, die \
             erfasst sind; „in Folge“ zählt den laufenden mit. "
        ));
    }
    notes.push_str(
        "Nicht aufgeführt sind Behörden, deren Meldung inzwischen vorliegt, und Behörden, die per E-Mail nicht erreichbar sind; \
         um Letztere kümmert sich die Zentrale Rückkehrkoordination (ZRK).",
    );
    notes
}

fn gone(escalation: &Escalation<'_>) -> Table {
    let row = |gone: &Gone| {
        let since = match &gone.because {
            Because::Settled(standing) => standing.since.map(|at| instant_in_words(at, escalation.letter.zone)),
            _ => None,
        };
        vec![Cell::strong(&gone.name), Cell::text(because_in_words(gone)), Cell::text(since.unwrap_or_default())]
    };
    Table {
        summary: "Behörden, die im vorigen Bericht standen und in diesem nicht mehr".to_owned(),
        columns: vec![Column::new("Behörde", 46.0), Column::new("Grund", 70.0), Column::new("Seit", 49.0)],
        rows: escalation.report.gone.iter().map(row).collect(),
    }
}

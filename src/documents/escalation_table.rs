//! An escalation as tables to filter and to print. Never a fact that the report does not hold.

use chrono::{DateTime, Utc};

use super::escalation::{Escalation, because_in_words};
use super::workbook::{Cell, Column, Sheet, Workbook};
use crate::domain::dates::{date_in_words, day_in_words, local_date};
use crate::domain::duty::NoticeKind;
use crate::domain::escalation::{Because, Case, Dispatch, Gone};
use crate::domain::standing::ReceiptState;
use crate::domain::words::standing_in_words;

/// The workbook: the cases, and on a second sheet what stood in the report before and stands in this one no more.
pub(super) fn workbook(escalation: &Escalation<'_>) -> Workbook {
    let Escalation { matter, report, .. } = escalation;
    let mut sheets = vec![cases(escalation)];
    if !report.gone.is_empty() {
        sheets.push(gone(escalation));
    }
    Workbook {
        title: escalation.title(),
        subject: format!("{}, Frist {}", matter.title, date_in_words(matter.deadline.ends_on)),
        author: escalation.author(),
        written_on: matter.today,
        sheets,
    }
}

fn cases(escalation: &Escalation<'_>) -> Sheet {
    let Escalation { letter, matter, report } = escalation;
    let mut about = vec![format!("Meldepflicht: {}", matter.title)];
    about.push(format!("Frist: {}", day_in_words(matter.deadline.ends_on)));
    about.push(format!("Stand: {}", day_in_words(matter.today)));
    if !letter.letterhead.file_number.is_empty() {
        about.push(format!("Az. {}", letter.letterhead.file_number));
    }
    let mut which = format!(
        "{} von {} Meldungen stehen aus; {}. Bericht zu dieser Frist",
        report.cases.len(),
        report.authorities_total,
        report.number
    );
    if let Some(before) = report.before {
        which.push_str(&format!(", der vorige ist vom {}", date_in_words(local_date(before, letter.zone))));
    }
    let missed_of = match report.months_known {
        0 => "Versäumte Monate (keine erfasst)".to_owned(),
        known => format!("Versäumte Monate (von {known})"),
    };
    Sheet {
        name: "Ausstehend".to_owned(),
        notes: vec![about.join(" · "), which],
        columns: vec![
            Column::new("Behörde", 26),
            Column::new("Meldestand", 16),
            Column::new("Fehlende Bestandteile", 27),
            Column::new("Fristende", 11),
            Column::new("Tage überfällig", 10),
            Column::new("Erinnerungen zugestellt", 13),
            Column::new("Erinnerungen nicht zugestellt", 13),
            Column::new("Zuletzt zugestellt", 16),
            Column::new("Im Einzelnen", 29),
            Column::new(&missed_of, 11),
            Column::new("In Folge versäumt", 10),
            Column::new("Fehlt auch", 17),
            Column::new("Seit dem vorigen Bericht", 14),
        ],
        rows: report.cases.iter().map(|case| row(escalation, case)).collect(),
    }
}

fn row(escalation: &Escalation<'_>, case: &Case) -> Vec<Cell> {
    let Escalation { letter, matter, report } = escalation;
    let accepted: Vec<DateTime<Utc>> = case.dispatches.iter().filter_map(|dispatch| dispatch.accepted_at).collect();
    let last = accepted.iter().max().map(|at| at.with_timezone(&letter.zone).naive_local());
    let is_silent = matches!(case.standing.state, ReceiptState::Missing);
    let missing = if is_silent && case.missing.len() > 1 { "alle".to_owned() } else { case.missing.join("; ") };
    let singly: Vec<String> = case.dispatches.iter().map(|dispatch| dispatch_line(escalation, dispatch)).collect();
    vec![
        Cell::text(&case.name),
        Cell::text(standing_in_words(&case.standing, Some(matter.deadline.ends_on))),
        Cell::text(missing),
        Cell::Date(escalation.due_by(case)),
        Cell::Number(case.days_overdue),
        Cell::Number(accepted.len() as i64),
        Cell::Number((case.dispatches.len() - accepted.len()) as i64),
        last.map_or(Cell::Empty, Cell::Instant),
        if singly.is_empty() { Cell::text("keine versandt") } else { Cell::Lines(singly) },
        if report.months_known > 0 { Cell::Number(case.months_missed.into()) } else { Cell::Empty },
        Cell::Number(case.missed_running.into()),
        Cell::text(case.also_missing.join("; ")),
        Cell::text(case.change_in_words().unwrap_or("erster Bericht")),
    ]
}

fn dispatch_line(escalation: &Escalation<'_>, dispatch: &Dispatch) -> String {
    let zone = escalation.letter.zone;
    let kind = match dispatch.kind {
        NoticeKind::Overdue => "nach Fristablauf",
        _ => "Erinnerung",
    };
    match (dispatch.accepted_at, dispatch.returned_at) {
        (Some(at), _) => format!("{} {kind}", at.with_timezone(&zone).format("%d.%m.%Y %H:%M")),
        (None, Some(at)) => format!("{kind}: zurück {}", local_date(at, zone).format("%d.%m.%Y")),
        (None, None) => format!("{kind}: nicht zugestellt"),
    }
}

fn gone(escalation: &Escalation<'_>) -> Sheet {
    let zone = escalation.letter.zone;
    let row = |gone: &Gone| {
        let (since, remark) = match &gone.because {
            Because::Settled(standing) => (
                standing.since.map(|at| at.with_timezone(&zone).naive_local()),
                match &standing.state {
                    ReceiptState::Excused { reason }
                    | ReceiptState::Exempt { reason }
                    | ReceiptState::Extended { reason, .. } => reason.clone(),
                    _ => String::new(),
                },
            ),
            _ => (None, String::new()),
        };
        vec![
            Cell::text(&gone.name),
            Cell::text(because_in_words(gone)),
            since.map_or(Cell::Empty, Cell::Instant),
            Cell::text(remark),
        ]
    };
    let before = escalation.report.before.map(|at| date_in_words(local_date(at, zone)));
    Sheet {
        name: "Nicht mehr ausstehend".to_owned(),
        notes: vec![format!(
            "Im vorigen Bericht{} aufgeführt, in diesem nicht mehr",
            before.map(|day| format!(" vom {day}")).unwrap_or_default()
        )],
        columns: vec![
            Column::new("Behörde", 34),
            Column::new("Grund", 44),
            Column::new("Seit", 17),
            Column::new("Bemerkung", 40),
        ],
        rows: escalation.report.gone.iter().map(row).collect(),
    }
}

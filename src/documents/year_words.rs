//! What the yearly report says in German, on the page and in the workbook alike. Never counts anything.

use chrono::NaiveDate;

use crate::domain::Month;
use crate::domain::dates::{date_in_words, instant_in_words};
use crate::domain::punctuality::{Cell, Figures, HalfDays, Mark, MonthLine, Phase};
use crate::domain::year_report::{DutyYear, YearReport};

/// The words defined at the end of the report, each with its definition (`docs/punctuality.md`).
pub(super) const DEFINITIONS: [(&str, &str); 11] = [
    ("Monat", "der Monatslauf, in dem die Frist endet; die Statistik des Januarlaufs betrifft den Dezember davor."),
    (
        "gewertet",
        "Monate, in denen die Behörde meldepflichtig war und die Frist abgelaufen ist. Nicht gewertet werden befreite Monate, \
         laufende Fristen und Fristverlängerungen sowie Monate, von denen nichts bekannt ist.",
    ),
    (
        "rechtzeitig",
        "am Ende des letzten Tages der Frist (bei Fristverlängerung: der verlängerten Frist) vollständig gemeldet, Fehlanzeige \
         erstattet oder entschuldigt.",
    ),
    ("verspätet", "erst danach gemeldet oder entschuldigt, aber vor Abschluss des Monatslaufs."),
    (
        "versäumt",
        "bei Abschluss des Monatslaufs nicht oder nicht vollständig gemeldet. Ein Monatslauf schließt mit dem Ende der nächsten \
         Frist derselben Meldepflicht.",
    ),
    ("überfällig", "die Frist ist abgelaufen, die Meldung fehlt, und der Monatslauf ist noch nicht abgeschlossen."),
    ("Anteil rechtzeitig", "rechtzeitige Monate geteilt durch gewertete Monate."),
    (
        "Median der Tage",
        "der mittlere Abstand der eingegangenen Meldungen zum letzten Tag der Frist: − davor, 0 am letzten Tag, + danach. \
         Versäumte Monate und Entschuldigungen haben keinen Abstand.",
    ),
    (
        "längste Folge",
        "die meisten unmittelbar aufeinander folgenden Monate des Jahres, die rechtzeitig oder versäumt waren. Jeder andere Monat \
         unterbricht die Folge, auch ein befreiter oder nicht bekannter.",
    ),
    (
        "Bezirk und Land",
        "Alle Monate aller Behörden werden zusammen gezählt; Anteile werden nicht gemittelt. Die Folge „alle rechtzeitig“ zählt Monate, \
         in denen jede gewertete Meldung rechtzeitig war, die Folge „mit Versäumnis“ Monate mit mindestens einem. Der Bezirk ist der \
         des heutigen Verzeichnisses.",
    ),
    (
        "Stand",
        "Abgeschlossene Monate sind so gewertet, wie es bei ihrem Abschluss bekannt war, und ändern sich nicht mehr; was danach \
         erfasst wurde, zählt nicht.",
    ),
];

/// `Jahresbericht 2026: Pünktlichkeit der Meldungen`.
pub(super) fn title(report: &YearReport) -> String {
    format!("Jahresbericht {}: Pünktlichkeit der Meldungen", report.year)
}

/// `Stand: 22. November 2026, 09:12 Uhr`.
pub(super) fn as_of(report: &YearReport) -> String {
    format!("Stand: {}", instant_in_words(report.as_of, report.zone))
}

/// What a reader must know of a duty's year before its figures.
pub(super) fn notes(duty: &DutyYear) -> Vec<String> {
    let mut notes = Vec::new();
    for line in &duty.punctuality.months {
        let Some(ends_on) = line.ends_on.map(date_in_words) else { continue };
        let month = line.month.in_words();
        match line.phase {
            Phase::Running => {
                notes.push(format!("{month} ist noch offen: Die Frist läuft bis {ends_on}; der Monat ist nicht gewertet."));
            }
            Phase::Overdue => notes.push(format!(
                "{month} ist noch offen: Die Frist endete am {ends_on}, verspätete Meldungen sind noch möglich; der Monat ist \
                 vorläufig gewertet."
            )),
            _ => {}
        }
    }
    let ahead = duty.months_in(Phase::Ahead);
    if !ahead.is_empty() {
        let stands = if ahead.len() == 1 { "steht" } else { "stehen" };
        notes.push(format!("{} {stands} noch bevor.", months_in_words(&ahead)));
    }
    let unknown = duty.months_in(Phase::Unknown);
    if !unknown.is_empty() {
        let is = if unknown.len() == 1 { "ist" } else { "sind" };
        notes.push(format!(
            "{} {is} nicht bekannt: Für diese Meldepflicht wurde keine Frist mitgeteilt, oder fristd führte sie noch nicht.",
            months_in_words(&unknown)
        ));
    }
    let listed =
        |ids: &[crate::domain::AuthorityId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !duty.punctuality.owed_nothing.is_empty() {
        notes.push(format!("In keinem Monat meldepflichtig: {}.", listed(&duty.punctuality.owed_nothing)));
    }
    if !duty.punctuality.not_in_roster.is_empty() {
        notes.push(format!(
            "Nicht mehr im Verzeichnis und deshalb nirgends gezählt, obwohl Meldungen erfasst sind: {}.",
            listed(&duty.punctuality.not_in_roster)
        ));
    }
    notes
}

/// The year of a duty in two or three sentences.
pub(super) fn in_brief(figures: &Figures) -> String {
    let Some(share) = share(figures) else { return "Noch ist kein Monat gewertet.".to_owned() };
    let judged = figures.judged();
    let reports = if judged == 1 { "gewerteten Meldung war" } else { "gewerteten Meldungen waren" };
    let mut text = format!("Von {} {reports} {} rechtzeitig ({share})", grouped(judged), grouped(figures.in_time()));
    let others: Vec<String> = [Mark::Late, Mark::Missed, Mark::Overdue]
        .into_iter()
        .filter(|mark| figures.count(*mark) > 0)
        .map(|mark| format!("{} {}", grouped(figures.count(mark)), mark.in_words()))
        .collect();
    if !others.is_empty() {
        text.push_str(&format!(", {}", list_in_words(&others)));
    }
    text.push('.');
    if let Some(median) = figures.median_days {
        text.push_str(&format!(" Der Median lag {}.", median_in_words(median)));
    }
    text
}

/// `91,9 %`; none if nothing is judged.
pub(super) fn share(figures: &Figures) -> Option<String> {
    figures.share_in_time().map(|share| format!("{:.1}\u{a0}%", share * 100.0).replace('.', ","))
}

/// `−2`, `0`, `+3,5`.
pub(super) fn median(days: HalfDays) -> String {
    let text = days.to_string().replace('.', ",").replace('-', "\u{2212}");
    if days.0 > 0 { format!("+{text}") } else { text }
}

fn median_in_words(days: HalfDays) -> String {
    let count = HalfDays(days.0.abs()).to_string().replace('.', ",");
    let unit = if count == "1" { "Tag" } else { "Tage" };
    match days.0 {
        0 => "auf dem letzten Tag der Frist".to_owned(),
        before if before < 0 => format!("{count} {unit} vor Fristende"),
        _ => format!("{count} {unit} nach Fristende"),
    }
}

/// `verspätet, 3 Tage nach Fristende`.
pub(super) fn cell_in_words(cell: Cell) -> String {
    let mark = cell.mark.in_words();
    match cell.days {
        None => mark.to_owned(),
        Some(0) => format!("{mark}, am letzten Tag"),
        Some(days) => {
            let (count, side) = (days.unsigned_abs(), if days < 0 { "vor" } else { "nach" });
            format!("{mark}, {count} {} {side} Fristende", if count == 1 { "Tag" } else { "Tage" })
        }
    }
}

/// How far a month has come.
pub(super) fn phase_in_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Unknown => "nicht bekannt",
        Phase::Ahead => "steht bevor",
        Phase::Running => "offen, Frist läuft",
        Phase::Overdue => "offen, vorläufig",
        Phase::Closed => "abgeschlossen",
    }
}

/// `Januar`.
pub(super) fn month_name(month: Month) -> String {
    month.in_words().split(' ').next().unwrap_or_default().to_owned()
}

/// `Jan`.
pub(super) fn short_month(line: &MonthLine) -> String {
    let name = month_name(line.month);
    // März, Mai, Juni and Juli are short enough, and cut they could be taken for each other
    if name.chars().count() <= 4 { name } else { name.chars().take(3).collect() }
}

/// `15.09.2026`.
pub(super) fn short_date(date: NaiveDate) -> String {
    date.format("%d.%m.%Y").to_string()
}

/// `1.032`.
pub(super) fn grouped(count: u32) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

/// `Januar bis März und Mai 2026`, of months of one year.
fn months_in_words(months: &[Month]) -> String {
    let mut runs: Vec<(Month, Month)> = Vec::new();
    for month in months {
        match runs.last_mut() {
            Some((_, last)) if last.next() == *month => *last = *month,
            _ => runs.push((*month, *month)),
        }
    }
    let run = |(first, last): &(Month, Month)| match () {
        () if first == last => month_name(*first),
        () if first.next() == *last => format!("{} und {}", month_name(*first), month_name(*last)),
        () => format!("{} bis {}", month_name(*first), month_name(*last)),
    };
    let words = list_in_words(&runs.iter().map(run).collect::<Vec<_>>());
    let year = months.first().map(|month| month.to_string().chars().take(4).collect::<String>());
    format!("{words} {}", year.unwrap_or_default())
}

fn list_in_words(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} und {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_a_german_letter() {
        let check = |count, want: &str| assert_eq!(grouped(count), want);
        check(0, "0");
        check(999, "999");
        check(1032, "1.032");
        check(1_234_567, "1.234.567");
        let check = |half_days, number: &str, words: &str| {
            let days = HalfDays(half_days);
            assert_eq!((median(days).as_str(), median_in_words(days).as_str()), (number, words));
        };
        check(0, "0", "auf dem letzten Tag der Frist");
        check(-4, "−2", "2 Tage vor Fristende");
        check(-2, "−1", "1 Tag vor Fristende");
        check(7, "+3,5", "3,5 Tage nach Fristende");
    }

    #[test]
    fn a_cell_says_its_mark_and_the_days() {
        let check = |mark, days, want: &str| assert_eq!(cell_in_words(Cell { mark, days }), want);
        check(Mark::InTime, Some(-3), "rechtzeitig, 3 Tage vor Fristende");
        check(Mark::Nil, Some(0), "Fehlanzeige, rechtzeitig, am letzten Tag");
        check(Mark::Late, Some(1), "verspätet, 1 Tag nach Fristende");
        check(Mark::Missed, None, "versäumt");
    }

    #[test]
    fn months_are_named_as_few_words_as_possible() {
        let check = |numbers: &[&str], want: &str| {
            let months: Vec<Month> =
                numbers.iter().map(|number| Month::parse(&format!("2026-{number}")).expect("a month")).collect();
            assert_eq!(months_in_words(&months), want);
        };
        check(&["12"], "Dezember 2026");
        check(&["01", "02"], "Januar und Februar 2026");
        check(&["01", "02", "03"], "Januar bis März 2026");
        check(&["01", "02", "03", "05"], "Januar bis März und Mai 2026");
        check(&["01", "03", "05"], "Januar, März und Mai 2026");
    }
}

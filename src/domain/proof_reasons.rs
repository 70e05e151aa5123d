//! Why a notice was not sent, in German: what the rules say in English to the operator. Never loses a word that it does not know.

use chrono::NaiveDate;

use super::dates::date_in_words;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Reasons that are the same every time.
const WHOLE: [(&str, &str); 15] = [
    ("nobody is missing any more", "es fehlt niemand mehr"),
    ("nobody is missing for so long any more", "es fehlt niemand mehr so lange"),
    (super::recheck::FORGOTTEN, "die Anschrift wurde auf Verlangen entfernt"),
    (
        super::restored::REASON,
        "der Datenbestand wurde aus einer Sicherung wiederhergestellt; ob seither versandt wurde, steht nicht fest",
    ),
    ("somebody is missing again", "es fehlt wieder eine Behörde"),
    ("mail to this mailbox was rejected; it is flagged", "das Postfach hat Post abgewiesen und ist gekennzeichnet"),
    ("a deputy mailbox stands in for it", "ein Vertretungspostfach trat an seine Stelle"),
    ("the contact has ended", "das Postfach war nicht mehr gültig"),
    ("the cycle has closed", "der Monatslauf war abgeschlossen"),
    ("the step is no longer in the ladder", "die Stufe war nicht mehr vorgesehen"),
    ("its mailbox no longer answers for its authority", "das Postfach war nicht mehr für die Behörde zuständig"),
    ("no longer called for", "nicht mehr erforderlich"),
    ("the deadline that is corrected was over", "die korrigierte Frist war schon abgelaufen"),
    ("the corrected deadline is over already", "die neue Frist war schon abgelaufen"),
    (
        "the deadline was over before this database existed; who has reported is not known",
        "die Frist war abgelaufen, bevor dieser Datenbestand begann; wer gemeldet hat, ist nicht bekannt",
    ),
];

/// What stands before the instant at which an authority was settled.
const SETTLED: [(&str, &str); 5] = [
    ("reported nil on ", "Fehlanzeige gemeldet am "),
    ("reported on ", "gemeldet am "),
    ("excused on ", "entschuldigt am "),
    ("exempt, recorded on ", "befreit, erfasst am "),
    ("recorded on ", "erfasst am "),
];

/// A reason in German; one that is not known is quoted as it stands.
///
/// ```
/// use fristd::domain::proof_reasons::reason_in_german;
/// let words = reason_in_german("reported on 9 December 2026, 09:12");
/// assert_eq!(words, "gemeldet am 9. Dezember 2026, 09:12 Uhr");
/// assert_eq!(reason_in_german("whatever"), "„whatever“");
/// ```
pub fn reason_in_german(reason: &str) -> String {
    let whole = WHOLE.iter().find(|(english, _)| *english == reason).map(|(_, german)| (*german).to_owned());
    whole.or_else(|| settled(reason)).or_else(|| by_parts(reason)).unwrap_or_else(|| format!("„{reason}“"))
}

fn settled(reason: &str) -> Option<String> {
    let of = |reason: &str| {
        let (german, at) =
            SETTLED.iter().find_map(|(english, german)| Some((*german, reason.strip_prefix(english)?)))?;
        Some(format!("{german}{}", english_instant(at)?))
    };
    match reason.strip_prefix("extended until ") {
        Some(rest) => {
            let (until, rest) = rest.split_once(", ")?;
            Some(format!("verlängert bis {}, {}", date(until)?, of(rest)?))
        }
        None => of(reason),
    }
}

fn by_parts(reason: &str) -> Option<String> {
    if let Some(rest) = reason.strip_prefix("the deadline was corrected; revision ") {
        let number = rest.strip_suffix(" is in force")?;
        return Some(format!("die Frist wurde korrigiert; es gilt Fassung {number}"));
    }
    if let Some(rest) = reason.strip_prefix("superseded by ") {
        let (step, at) = rest.rsplit_once(" on ")?;
        return Some(format!("abgelöst durch die Stufe {step} am {}", local(at)?));
    }
    if let Some(rest) = reason.strip_prefix("the cycle closed at ") {
        return Some(format!("der Monatslauf schloss am {}", local(rest)?));
    }
    if let Some(rest) = reason.strip_prefix("the stated date ") {
        return Some(format!("die angekündigte Frist ({}) war abgelaufen", date(rest.strip_suffix(" is over")?)?));
    }
    if let Some(rest) = reason.strip_prefix("the deadline of ") {
        return Some(format!("die Frist bis {} war abgelaufen", date(rest.strip_suffix(" is over")?)?));
    }
    if let Some(actor) = reason.strip_prefix("discarded by ") {
        return Some(format!("verworfen von {actor}"));
    }
    if let Some(rest) = reason.strip_prefix("came back on ") {
        let (at, words) = rest.split_once(": ")?;
        return Some(format!("kam am {} zurück: „{words}“", local(at)?));
    }
    if let Some((authority, rest)) = reason.split_once(" does not owe this report") {
        return Some(match rest.strip_prefix("; ").and_then(|rest| rest.strip_suffix(" reports for it")) {
            Some(reporter) => format!("{authority} schuldet diese Meldung nicht; {reporter} meldet mit"),
            None => format!("{authority} schuldet diese Meldung nicht"),
        });
    }
    if let Some((count, rest)) = reason.split_once(" notices at once; the guard allows ") {
        return Some(format!("{count} Mitteilungen auf einmal; zugelassen sind {rest}"));
    }
    if let Some((count, rest)) = reason.split_once(" notices within minutes; the guard allows ") {
        return Some(format!("{count} Mitteilungen binnen weniger Minuten; zugelassen sind {rest}"));
    }
    let duty = reason.strip_prefix("duty ")?.strip_suffix(" is no longer in the settings")?;
    Some(format!("die Meldepflicht {duty} ist nicht mehr vorgesehen"))
}

/// `2026-12-15` → `15. Dezember 2026`.
fn date(text: &str) -> Option<String> {
    text.parse::<NaiveDate>().ok().map(date_in_words)
}

/// `2026-12-15 08:00` → `15. Dezember 2026, 08:00 Uhr`.
fn local(text: &str) -> Option<String> {
    let (day, time) = text.split_once(' ')?;
    Some(format!("{}, {time} Uhr", date(day)?))
}

/// `9 December 2026, 09:12` → `9. Dezember 2026, 09:12 Uhr`.
fn english_instant(text: &str) -> Option<String> {
    let (day, time) = text.split_once(", ")?;
    let mut words = day.split(' ');
    let (number, month, year) = (words.next()?.parse().ok()?, words.next()?, words.next()?.parse().ok()?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let date = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()? + 1, number)?;
    Some(format!("{}, {time} Uhr", date_in_words(date)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_that_the_rules_give_is_said_in_german() {
        for (english, german) in [
            ("reported nil on 1 January 2027, 08:00", "Fehlanzeige gemeldet am 1. Januar 2027, 08:00 Uhr"),
            ("excused on 9 March 2027, 09:12", "entschuldigt am 9. März 2027, 09:12 Uhr"),
            (
                "extended until 2026-12-22, recorded on 9 December 2026, 09:12",
                "verlängert bis 22. Dezember 2026, erfasst am 9. Dezember 2026, 09:12 Uhr",
            ),
            ("exempt, recorded on 9 December 2026, 09:12", "befreit, erfasst am 9. Dezember 2026, 09:12 Uhr"),
            ("the deadline was corrected; revision 2 is in force", "die Frist wurde korrigiert; es gilt Fassung 2"),
            (
                "superseded by reminder-1 on 2026-12-14 08:00",
                "abgelöst durch die Stufe reminder-1 am 14. Dezember 2026, 08:00 Uhr",
            ),
            ("the cycle closed at 2027-01-16 00:00", "der Monatslauf schloss am 16. Januar 2027, 00:00 Uhr"),
            ("the stated date 2026-12-15 is over", "die angekündigte Frist (15. Dezember 2026) war abgelaufen"),
            ("the deadline of 2026-12-15 is over", "die Frist bis 15. Dezember 2026 war abgelaufen"),
            ("discarded by zrk-person", "verworfen von zrk-person"),
            ("came back on 2026-12-14 08:10: 5.1.1: no", "kam am 14. Dezember 2026, 08:10 Uhr zurück: „5.1.1: no“"),
            ("abh-a does not owe this report", "abh-a schuldet diese Meldung nicht"),
            (
                "abh-a does not owe this report; abh-b reports for it",
                "abh-a schuldet diese Meldung nicht; abh-b meldet mit",
            ),
            ("700 notices at once; the guard allows 500", "700 Mitteilungen auf einmal; zugelassen sind 500"),
            ("duty \"x\" is no longer in the settings", "die Meldepflicht \"x\" ist nicht mehr vorgesehen"),
            (
                "1012 notices within minutes; the guard allows 1000",
                "1012 Mitteilungen binnen weniger Minuten; zugelassen sind 1000",
            ),
            ("the contact has ended", "das Postfach war nicht mehr gültig"),
            ("reported on someday", "„reported on someday“"),
        ] {
            assert_eq!(reason_in_german(english), german);
        }
    }

    /// The sources that give reasons: a reason that is new there needs its German here.
    #[test]
    fn the_rules_still_give_these_reasons() {
        let rules = [include_str!("recheck.rs"), include_str!("plan.rs"), include_str!("restored.rs")].concat();
        for (english, _) in WHOLE.iter().filter(|(english, _)| *english != "no longer called for") {
            assert!(rules.contains(english), "{english} is given nowhere");
        }
    }
}

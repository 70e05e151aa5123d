//! Reads a scenario: a month as a story, in a text file that a person who writes no code can read. Never plays it.

use std::fmt;
use std::path::PathBuf;

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::Month;
use crate::domain::list::ListKind;
use crate::domain::request::{EndRequest, ReceiptRequest};

/// A scenario, checked for its form; names of authorities are checked when it is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The folder of settings, as written.
    pub files: PathBuf,
    /// When it begins, in local time.
    pub from: NaiveDateTime,
    /// When it ends, in local time.
    pub until: NaiveDateTime,
    /// What happens, in order of time.
    pub lines: Vec<Line>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// When, in local time.
    pub at: NaiveDateTime,
    /// What.
    pub action: Action,
}

/// What can happen in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A receipt is recorded.
    Record(Box<ReceiptRequest>),
    /// A standing nil report or an exemption is ended.
    EndArrangement(Box<EndRequest>),
    /// The data import is signalled.
    Imported {
        /// The cycle.
        month: Month,
        /// The import date.
        on: NaiveDate,
    },
    /// A list of what has been reported is imported.
    Import {
        /// The file.
        file: PathBuf,
        /// How it speaks; none if it says so itself, or the settings do.
        kind: Option<ListKind>,
        /// Whose word it is; none if it says so itself, or the settings do.
        source: Option<String>,
    },
    /// The daemon stops.
    Stop,
    /// The daemon starts again.
    Start,
    /// All sending is paused.
    Pause,
    /// Sending goes on.
    Resume,
    /// Held notices are released.
    Release,
    /// Held notices are discarded.
    Discard,
    /// The newest mail comes back.
    Bounce {
        /// How.
        fate: Fate,
        /// Whose mail: an authority's, an office's or an address's.
        target: String,
    },
    /// A person takes the flag from mailboxes.
    Clear {
        /// Whose: an authority's, an office's or an address.
        target: String,
    },
    /// The settings are replaced by those of another folder.
    Files(PathBuf),
    /// The mail system fails.
    Smtp {
        /// How.
        fault: Fault,
        /// For whom: an authority, an office or an address; none for everybody.
        target: Option<String>,
        /// Until when, in local time; without it a refusal lasts, and a break strikes each mailbox once.
        until: Option<NaiveDateTime>,
    },
}

/// How the mail system fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It refuses with this code: 4xx for now, 5xx for good.
    Refuse(u16),
    /// The connection breaks after the message was handed over.
    BreakAfterData,
    /// It cannot be reached.
    Down,
}

/// How a mail comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// There is no such mailbox.
    Hard,
    /// The mailbox is full.
    Soft,
}

/// All that is wrong with a scenario, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioErrors(pub Vec<String>);

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ScenarioErrors {}

impl Scenario {
    /// Reads a scenario; `name` stands before each complaint.
    ///
    /// # Errors
    /// All lines that are not understood, each with what is accepted.
    ///
    /// ```
    /// use fristd::daemon::scenario::{Action, Scenario};
    /// let text = "files deploy/example\nfrom 2026-12-01 00:00\nuntil 2026-12-31 00:00\n2026-12-09 00:00 stop # maintenance\n";
    /// let scenario = Scenario::parse("month.txt", text).unwrap();
    /// assert_eq!(scenario.lines[0].action, Action::Stop);
    /// ```
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioErrors> {
        let mut errors = Vec::new();
        let (mut files, mut from, mut until, mut lines) = (None, None, None, Vec::new());
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = index + 1;
            match read_line(line, number) {
                Ok(Read::Nothing) => {}
                Ok(Read::Files(path)) => files = Some(path),
                Ok(Read::From(at)) => from = Some(at),
                Ok(Read::Until(at)) => until = Some(at),
                Ok(Read::Line(line)) => lines.push(line),
                Err(why) => errors.push(format!("{name}:{number}: {why}")),
            }
        }
        let mut required =
            |word: &str, example: &str| errors.push(format!("{name}: no line {word:?}; accepted: {word} {example}"));
        if files.is_none() {
            required("files", "deploy/example");
        }
        if from.is_none() {
            required("from", "2026-12-01 00:00");
        }
        if until.is_none() {
            required("until", "2026-12-31 00:00");
        }
        if let (Some(from), Some(until)) = (from, until) {
            if until <= from {
                errors.push(format!("{name}: until {until} is not after from {from}"));
            }
            for line in lines.iter().filter(|line| line.at < from || until < line.at) {
                errors.push(format!("{name}:{}: {} lies outside {from} to {until}", line.number, line.at));
            }
        }
        match (files, from, until) {
            (Some(files), Some(from), Some(until)) if errors.is_empty() => {
                lines.sort_by_key(|line| line.at);
                Ok(Self { files, from, until, lines })
            }
            _ => Err(ScenarioErrors(errors)),
        }
    }
}

const REASON: &str = "Szenario"; // where a story gives none and the rules want one

enum Read {
    Nothing,
    Files(PathBuf),
    From(NaiveDateTime),
    Until(NaiveDateTime),
    Line(Line),
}

fn read_line(line: &str, number: usize) -> Result<Read, String> {
    const LENGTH_MAX: usize = 2000; // longer than any line that a person writes
    if line.len() > LENGTH_MAX {
        return Err(format!("is longer than {LENGTH_MAX} characters"));
    }
    let words = words(line)?;
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    match texts.as_slice() {
        [] => Ok(Read::Nothing),
        ["files", path] => Ok(Read::Files(PathBuf::from(path))),
        ["from", date, time] => Ok(Read::From(instant(date, time)?)),
        ["until", date, time] => Ok(Read::Until(instant(date, time)?)),
        [date, time, action @ ..] if date.starts_with(|first: char| first.is_ascii_digit()) => {
            Ok(Read::Line(Line { number, at: instant(date, time)?, action: read_action(action)? }))
        }
        [word, ..] => Err(format!(
            "{word:?}: is not understood; accepted: files, from, until, or a line that begins with YYYY-MM-DD HH:MM"
        )),
    }
}

fn read_action(words: &[&str]) -> Result<Action, String> {
    match words {
        ["stop"] => Ok(Action::Stop),
        ["start"] => Ok(Action::Start),
        ["pause"] => Ok(Action::Pause),
        ["resume"] => Ok(Action::Resume),
        ["release"] => Ok(Action::Release),
        ["discard"] => Ok(Action::Discard),
        ["bounce", "hard", "for", target] => Ok(Action::Bounce { fate: Fate::Hard, target: (*target).to_owned() }),
        ["bounce", "soft", "for", target] => Ok(Action::Bounce { fate: Fate::Soft, target: (*target).to_owned() }),
        ["clear", target] => Ok(Action::Clear { target: (*target).to_owned() }),
        ["files", path] => Ok(Action::Files(PathBuf::from(path))),
        ["imported", month, "on", date] => Ok(Action::Imported {
            month: Month::parse(month).map_err(|cause| cause.to_string())?,
            on: date.parse().map_err(|_| format!("{date:?} is no date; accepted: YYYY-MM-DD"))?,
        }),
        ["import", file, rest @ ..] => read_import(file, rest),
        ["record", month, duty, authority, state, details @ ..] => {
            Ok(Action::Record(Box::new(read_record(month, duty, authority, state, details)?)))
        }
        ["end-arrangement", authority, duty, details @ ..] => {
            Ok(Action::EndArrangement(Box::new(read_end(authority, duty, details)?)))
        }
        ["smtp", fault, rest @ ..] => read_smtp(fault, rest),
        [] => Err("nothing happens here; add what does".to_owned()),
        [word, ..] => Err(format!(
            "{word:?}: is not understood; accepted: record MONTH DUTY AUTHORITY STATE [missing=…] [parts=…] [until=…] \
             [reason=…], end-arrangement AUTHORITY DUTY [from=MONTH] [reason=…], imported MONTH on DATE, \
             import FILE [as snapshot|events] [from SOURCE], stop, start, pause, resume, release, discard, files FOLDER, \
             smtp CODE|break-after-data|down [for WHOM] [until DATE TIME], bounce hard|soft for WHOM, clear WHOM"
        )),
    }
}

fn read_import(file: &str, rest: &[&str]) -> Result<Action, String> {
    let (kind, rest) = match rest {
        ["as", word, rest @ ..] => {
            let known = ListKind::WORDS.into_iter().find(|(known, _)| known == word);
            let (_, kind) = known.ok_or_else(|| format!("{word:?}: accepted: snapshot or events"))?;
            (Some(kind), rest)
        }
        rest => (None, rest),
    };
    let source = match rest {
        [] => None,
        ["from", source] => Some((*source).to_owned()),
        _ => {
            return Err(format!(
                "import: {:?} is not understood; accepted: as snapshot|events, from SOURCE",
                rest.join(" ")
            ));
        }
    };
    Ok(Action::Import { file: PathBuf::from(file), kind, source })
}

fn read_record(
    month: &str,
    duty: &str,
    authority: &str,
    state: &str,
    details: &[&str],
) -> Result<ReceiptRequest, String> {
    let mut request = ReceiptRequest {
        month: month.to_owned(),
        duty: duty.to_owned(),
        authority: authority.to_owned(),
        state: state.to_owned(),
        ..ReceiptRequest::default()
    };
    let list = |value: &str| value.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
    for detail in details {
        match detail.split_once('=') {
            Some(("missing", value)) => request.missing = list(value),
            Some(("parts", value)) => request.parts = list(value),
            Some(("until", value)) => request.until = Some(value.to_owned()),
            Some(("reason", value)) => request.reason = Some(value.to_owned()),
            _ => {
                return Err(format!(
                    "{detail:?}: is not understood; accepted: missing=a,b parts=a,b until=YYYY-MM-DD reason=\"…\""
                ));
            }
        }
    }
    let needs_reason = matches!(state, "excused" | "extended" | "exempt") || request.until.is_some();
    if request.reason.is_none() && needs_reason {
        request.reason = Some(REASON.to_owned());
    }
    Ok(request)
}

fn read_end(authority: &str, duty: &str, details: &[&str]) -> Result<EndRequest, String> {
    let mut request = EndRequest {
        authority: authority.to_owned(),
        duty: duty.to_owned(),
        from: None,
        reason: Some(REASON.to_owned()),
    };
    for detail in details {
        match detail.split_once('=') {
            Some(("from", value)) => request.from = Some(value.to_owned()),
            Some(("reason", value)) => request.reason = Some(value.to_owned()),
            _ => return Err(format!("{detail:?}: is not understood; accepted: from=YYYY-MM reason=\"…\"")),
        }
    }
    Ok(request)
}

fn read_smtp(fault: &str, rest: &[&str]) -> Result<Action, String> {
    let fault = match fault {
        "break-after-data" => Fault::BreakAfterData,
        "down" => Fault::Down,
        code => match code.parse::<u16>() {
            Ok(code @ 400..=599) => Fault::Refuse(code),
            _ => return Err(format!("smtp {code:?}: accepted: a code from 400 to 599, break-after-data or down")),
        },
    };
    let (target, rest) = match rest {
        ["for", "all", rest @ ..] => (None, rest),
        ["for", target, rest @ ..] => (Some((*target).to_owned()), rest),
        rest => (None, rest),
    };
    let until = match rest {
        [] => None,
        ["until", date, time] => Some(instant(date, time)?),
        _ => return Err(format!("smtp: {:?} is not understood; accepted: for WHOM, until DATE TIME", rest.join(" "))),
    };
    Ok(Action::Smtp { fault, target, until })
}

fn instant(date: &str, time: &str) -> Result<NaiveDateTime, String> {
    let text = format!("{date} {time}");
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())
        .ok_or_else(|| format!("{text:?}: is no date with a time; accepted: YYYY-MM-DD HH:MM"))
}

/// Words of a line, without a comment; double quotes hold spaces and '#' together.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut in_word, mut in_quotes) = (String::new(), false, false);
    for character in line.chars() {
        match character {
            '"' => {
                in_quotes = !in_quotes;
                in_word = true;
            }
            '#' if !in_quotes && !in_word => break,
            character if character.is_whitespace() && !in_quotes => {
                if in_word {
                    words.push(std::mem::take(&mut word));
                }
                in_word = false;
            }
            character => {
                word.push(character);
                in_word = true;
            }
        }
    }
    if in_quotes {
        return Err("a double quote is not closed".to_owned());
    }
    if in_word {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "files deploy/example\nfrom 2026-12-01 00:00\nuntil 2027-01-31 00:00\n";

    fn action(line: &str) -> Result<Action, ScenarioErrors> {
        Scenario::parse("s.txt", &format!("{HEAD}2026-12-04 10:00  {line}\n"))
            .map(|scenario| scenario.lines[0].action.clone())
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let smtp = |fault, target: Option<&str>| Action::Smtp { fault, target: target.map(str::to_owned), until: None };
        assert_eq!(action("stop"), Ok(Action::Stop));
        assert_eq!(action("start   # again"), Ok(Action::Start));
        assert_eq!(action("smtp 451 for abh-05113-essen"), Ok(smtp(Fault::Refuse(451), Some("abh-05113-essen"))));
        assert_eq!(action("smtp break-after-data for x"), Ok(smtp(Fault::BreakAfterData, Some("x"))));
        assert_eq!(action("smtp down"), Ok(smtp(Fault::Down, None)));
        assert_eq!(action("smtp 550 for all"), Ok(smtp(Fault::Refuse(550), None)));
        let import = |kind, source: Option<&str>| {
            Ok(Action::Import { file: PathBuf::from("list.csv"), kind, source: source.map(str::to_owned) })
        };
        assert_eq!(action("import list.csv"), import(None, None));
        assert_eq!(action("import list.csv as events"), import(Some(ListKind::Events), None));
        assert_eq!(
            action("import list.csv as snapshot from \"das LKA\""),
            import(Some(ListKind::Snapshot), Some("das LKA"))
        );
        let target = "abh-x".to_owned();
        assert_eq!(action("bounce hard for abh-x"), Ok(Action::Bounce { fate: Fate::Hard, target: target.clone() }));
        assert_eq!(action("bounce soft for abh-x"), Ok(Action::Bounce { fate: Fate::Soft, target: target.clone() }));
        assert_eq!(action("clear abh-x"), Ok(Action::Clear { target }));
        let Ok(Action::Record(request)) = action("record 2026-12 statistics abh-x partial missing=returns") else {
            panic!()
        };
        assert_eq!((request.state.as_str(), request.missing), ("partial", vec!["returns".to_owned()]));
        let Ok(Action::EndArrangement(request)) = action("end-arrangement abh-x planning from=2027-01") else {
            panic!()
        };
        assert_eq!((request.authority.as_str(), request.from.as_deref()), ("abh-x", Some("2027-01")));
        let Ok(Action::Record(request)) = action("record 2026-12 planning abh-x excused reason=\"IT # down\"") else {
            panic!()
        };
        assert_eq!(request.reason.as_deref(), Some("IT # down"));
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line_and_what_is_accepted() {
        let check = |line: &str, words: &str| {
            let error = action(line).expect_err(line).to_string();
            assert!(error.starts_with("s.txt:4: ") && error.contains(words), "{line}: {error}");
        };
        check("explode", "accepted: record");
        check("import list.csv as rumour", "accepted: snapshot or events");
        check("import list.csv by hand", "accepted: as snapshot|events");
        check("smtp 250 for x", "400 to 599");
        check("bounce for x", "bounce hard|soft for WHOM");
        check("clear", "clear WHOM");
        check("smtp 451 for x until tomorrow", "is not understood");
        check("imported 2026-13 on 2026-12-01", "is not a month");
        check("imported 2026-12 on 2026-02-30", "is no date");
        check("record 2026-12 planning abh-x partial lost=1", "accepted: missing");
        check("end-arrangement abh-x planning until=2027-01", "accepted: from=");
        check("record 2026-12 planning abh-x excused reason=\"open", "not closed");
    }

    #[test]
    fn all_errors_come_at_once() {
        let errors =
            Scenario::parse("s.txt", "from yesterday 00:00\n2026-12-01 x\nhello\n").expect_err("three bad lines");
        assert_eq!(errors.0.len(), 6, "{errors}");
    }

    #[test]
    fn lines_are_played_in_order_of_time_and_must_lie_within_the_story() {
        let text = format!("{HEAD}2026-12-05 10:00 start\n2026-12-04 10:00 stop\n");
        let scenario = Scenario::parse("s.txt", &text).expect("two good lines");
        assert_eq!(scenario.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [5, 4]);
        let text = format!("{HEAD}2027-02-05 10:00 start\n");
        assert!(Scenario::parse("s.txt", &text).expect_err("too late").to_string().contains("lies outside"));
    }
}

//! Turns the rows of a list into what they say, and refuses those that cannot be (S1–S3, S6). Never stores, never keeps a figure.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};

use super::arrangement::last_cycle_until;
use super::dates::{LAST_YEAR, Month, date_in_words, instant_on, local_date};
use super::duty::{Duty, DutyId, Period};
use super::ladder::cycles_in_question;
use super::list::{Field, List, ListKind, ListRow, Presence, normal};
use super::list_cells::{self, When};
use super::list_names::Names;
use super::roster::{AuthorityId, Roster};
use super::rulebook::Rulebook;
use super::standing::ReceiptState;

const FURTHER_NOTICE: [&str; 2] = ["bis auf weiteres", "further notice"]; // as compared

/// What the rows of a list are read by.
#[derive(Clone, Copy, Debug)]
pub struct ListReader<'a> {
    /// The rules.
    pub rulebook: &'a Rulebook,
    /// Who there is.
    pub roster: &'a Roster,
    /// How the list speaks.
    pub kind: ListKind,
    /// The first cycle that the store knows of (N11).
    pub first_cycle: Option<Month>,
    /// The instant.
    pub now: DateTime<Utc>,
    /// The cycle of rows that do not say theirs.
    pub month: Option<Month>,
    /// The duty of rows that do not say theirs.
    pub duty: Option<&'a str>,
}

/// What a row says of one authority, duty and cycle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The row's line.
    pub line: usize,
    /// The cycle.
    pub month: Month,
    /// The duty.
    pub duty: DutyId,
    /// Whom it is about.
    pub authority: AuthorityId,
    /// How things stand in that cycle.
    pub state: ReceiptState,
    /// For how long.
    pub stands: Stands,
    /// Why, of a standing nil report; the other states carry their reason.
    pub note: Option<String>,
    /// When it was reported; `None` if the row does not say.
    pub reported_at: Option<DateTime<Utc>>,
}

/// For how long a state stands (S7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stands {
    /// For the cycle alone.
    ThisCycle,
    /// A nil report or an exemption: for every cycle up to that day.
    Until(NaiveDate),
    /// An exemption: until it is ended.
    FurtherNotice,
}

/// Why a row is refused; in German, because it is the ZRK's list. No figure is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The row's line.
    pub line: usize,
    /// The column's heading as written; empty if it is about the whole row.
    pub column: String,
    /// What stands there, of a text column.
    pub value: Option<String>,
    /// What is wrong, and what is accepted. Without the value.
    pub reason: String,
}

/// What the rows of a list say.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Entries {
    /// The good rows' entries, in the order of the file; of events in the order of time.
    pub good: Vec<Entry>,
    /// What was refused, in the order of the file.
    pub refused: Vec<Refusal>,
}

/// Reads all rows of a list.
pub fn read(reader: ListReader<'_>, list: &List) -> Entries {
    let names = Names::of(reader.roster);
    let parts_of = parts_by_duty(reader.rulebook, list);
    let mut entries = Entries::default();
    for row in &list.rows {
        let row = RowReader { reader, names: &names, parts_of: &parts_of, list, row };
        match row.entries() {
            Ok(found) => entries.good.extend(found),
            Err(refusal) => entries.refused.push(refusal),
        }
    }
    refuse_contradictions(reader.kind, list, &mut entries);
    if reader.kind == ListKind::Events {
        entries.good.sort_by_key(|entry| entry.reported_at);
    }
    entries.refused.sort_by_key(|refusal| refusal.line);
    entries
}

/// Which part columns of a list belong to which duty: their places in a row, in the order of the duty's parts.
type PartsOf<'a> = Vec<(&'a Duty, Vec<(usize, &'a str)>)>;

fn parts_by_duty<'a>(rulebook: &'a Rulebook, list: &'a List) -> PartsOf<'a> {
    let columns = |duty: &'a Duty| -> Vec<(usize, &'a str)> {
        let place =
            |part: &str| list.parts.iter().position(|(column, _)| *column.duty == *duty.id && column.part == part);
        duty.parts.iter().filter_map(|part| Some((place(&part.id)?, part.id.as_str()))).collect()
    };
    rulebook.duties.iter().map(|duty| (duty, columns(duty))).filter(|(_, columns)| !columns.is_empty()).collect()
}

/// Refuses rows that say different things of the same. Of rows that say the same, the first is taken.
fn refuse_contradictions(kind: ListKind, list: &List, entries: &mut Entries) {
    type Key = (AuthorityId, DutyId, Month, Option<DateTime<Utc>>);
    let mut first_of: HashMap<Key, usize> = HashMap::new();
    let mut is_refused = vec![false; entries.good.len()];
    let mut is_repeated = vec![false; entries.good.len()];
    for (index, entry) in entries.good.iter().enumerate() {
        let at = entry.reported_at.filter(|_| kind == ListKind::Events);
        let key = (entry.authority.clone(), entry.duty.clone(), entry.month, at);
        let first = *first_of.entry(key).or_insert(index);
        if first == index {
            continue;
        }
        let other = &entries.good[first];
        if (&other.state, other.stands, other.reported_at) == (&entry.state, entry.stands, entry.reported_at) {
            is_repeated[index] = true;
            continue;
        }
        for (refused, other) in [(index, other), (first, entry)] {
            if !is_refused[refused] {
                is_refused[refused] = true;
                entries.refused.push(Refusal {
                    line: entries.good[refused].line,
                    column: list.heading(Field::Authority).to_owned(),
                    value: Some(entry.authority.to_string()),
                    reason: format!(
                        "Zeile {} sagt zu derselben Behörde, Meldepflicht und demselben Monat etwas anderes; nur eine der Zeilen kann stimmen",
                        other.line
                    ),
                });
            }
        }
    }
    let mut index = 0;
    entries.good.retain(|_| {
        index += 1;
        !is_refused[index - 1] && !is_repeated[index - 1]
    });
}

/// What a row says of one duty.
struct Said {
    state: ReceiptState,
    stands: Stands,
    note: Option<String>,
}

impl Said {
    fn of(state: ReceiptState) -> Self {
        Self { state, stands: Stands::ThisCycle, note: None }
    }
}

struct RowReader<'a> {
    reader: ListReader<'a>,
    names: &'a Names,
    parts_of: &'a PartsOf<'a>,
    list: &'a List,
    row: &'a ListRow,
}

impl<'a> RowReader<'a> {
    /// What the row says: one entry, or one a duty if the list has columns of several.
    fn entries(&self) -> Result<Vec<Entry>, Refusal> {
        let authority = self.authority()?;
        let reported_at = self.reported_at()?;
        let mut entries = Vec::new();
        for duty in self.duties()? {
            let month = self.month(duty)?;
            let Said { state, stands, note } = self.says(duty)?;
            if let Stands::Until(day) = stands
                && last_cycle_until(duty, day) < month
            {
                return self.refuse(Field::Until, covers_nothing(duty, month));
            }
            entries.push(Entry {
                line: self.row.line,
                month,
                duty: duty.id.clone(),
                authority: authority.clone(),
                state,
                stands,
                note,
                reported_at,
            });
        }
        Ok(entries)
    }

    fn authority(&self) -> Result<AuthorityId, Refusal> {
        let ags = self.row.text(Field::Ags);
        let by_ags = ags.map(|text| self.names.by_ags(text));
        let Some(text) = self.text(Field::Authority) else {
            let Some(found) = by_ags else {
                return self.refuse(
                    Field::Authority,
                    "die Zeile nennt keine Behörde; angenommen werden Kennung, Name oder AGS",
                );
            };
            return found.map_err(|reason| self.refusal(Field::Ags, reason));
        };
        let found = self.names.by_name(text).map_err(|reason| self.refusal(Field::Authority, reason))?;
        match by_ags {
            // an AGS that stands for several may confirm one of them
            Some(_) if !self.names.fits(&found, ags.unwrap_or_default()) => {
                self.refuse(Field::Ags, format!("gehört nicht zu {found}; Behörde und AGS widersprechen sich"))
            }
            _ => Ok(found),
        }
    }

    fn duties(&self) -> Result<Vec<&'a Duty>, Refusal> {
        let rulebook = self.reader.rulebook;
        if let Some(text) = self.text(Field::Duty) {
            let wanted = normal(text);
            let is_meant =
                |duty: &&Duty| [&*duty.id, &duty.title, &duty.module].into_iter().any(|name| normal(name) == wanted);
            return match rulebook.duties.iter().find(is_meant) {
                Some(duty) => Ok(vec![duty]),
                None => self
                    .refuse(Field::Duty, format!("unbekannte Meldepflicht; angenommen werden {}", self.known_duties())),
            };
        }
        if let Some(duty) = self.reader.duty.and_then(|id| rulebook.duty(id)) {
            return Ok(vec![duty]);
        }
        match (self.parts_of.as_slice(), rulebook.duties.as_slice()) {
            ([], [only]) => Ok(vec![only]),
            ([], _) => self.refuse(
                Field::Duty,
                format!(
                    "die Zeile nennt keine Meldepflicht; angenommen werden {}, als Spalte oder mit --duty",
                    self.known_duties()
                ),
            ),
            (several, _) => Ok(several.iter().map(|(duty, _)| *duty).collect()),
        }
    }

    fn known_duties(&self) -> String {
        self.reader.rulebook.duties.iter().map(|duty| format!("„{}“", duty.id)).collect::<Vec<_>>().join(", ")
    }

    fn month(&self, duty: &Duty) -> Result<Month, Refusal> {
        let read = |field: Field| {
            let Some(text) = self.text(field) else { return Ok(None) };
            let found = list_cells::month(text);
            found.map(Some).ok_or_else(|| {
                self.refusal(
                    field,
                    "ist kein Monat; angenommen wird zum Beispiel 2026-12 oder Dezember 2026".to_owned(),
                )
            })
        };
        let of_period = read(Field::Period)?.map(|period| match duty.period {
            Period::CycleMonth => period,
            Period::PreviousMonth => period.next(),
        });
        let (month, field) = match (read(Field::Month)?, of_period) {
            (Some(month), Some(other)) if month != other => {
                return self.refuse(Field::Month, format!("Monatslauf und Berichtsmonat widersprechen sich: Der Berichtsmonat gehört zum Lauf {other}"));
            }
            (Some(month), _) => (month, Field::Month),
            (None, Some(month)) => (month, Field::Period),
            (None, None) => match self.reader.month {
                Some(month) => (month, Field::Month),
                None => return self.refuse(Field::Month, "die Zeile nennt keinen Monat; angenommen wird eine Spalte mit Monatslauf oder Berichtsmonat, oder --month 2026-12"),
            },
        };
        if let Some(first) = self.reader.first_cycle.filter(|first| month < *first) {
            return self.refuse(field, format!("liegt vor dem ersten Monatslauf dieses Datenbestands, {first}"));
        }
        let today = local_date(self.reader.now, self.reader.rulebook.zone);
        if !cycles_in_question(month, today).any(|known| known == month) {
            return self.refuse(
                field,
                format!("gehört zum Lauf {month}, und den gibt es noch nicht oder nicht mehr; angenommen werden der nächste Monat und zwei Jahre zurück"),
            );
        }
        Ok(month)
    }

    fn reported_at(&self) -> Result<Option<DateTime<Utc>>, Refusal> {
        let zone = self.reader.rulebook.zone;
        let Some(text) = self.text(Field::ReportedAt) else {
            return match self.reader.kind {
                ListKind::Snapshot => Ok(None),
                ListKind::Events => self.refuse(
                    Field::ReportedAt,
                    "fehlt; in einer Liste von Ereignissen sagt jede Zeile, wann gemeldet wurde",
                ),
            };
        };
        let at = match list_cells::when(text, zone) {
            Some(When::Instant(at)) => at,
            Some(When::Day(day)) => instant_on(zone, day, NaiveTime::MIN),
            None => {
                return self.refuse(
                    Field::ReportedAt,
                    "ist kein Datum; angenommen wird zum Beispiel 04.12.2026 oder 04.12.2026 09:12",
                );
            }
        };
        if at > self.reader.now {
            return self.refuse(Field::ReportedAt, "liegt in der Zukunft");
        }
        Ok(Some(at))
    }

    fn says(&self, duty: &Duty) -> Result<Said, Refusal> {
        let counted = self.counted(duty)?;
        let Some(text) = self.text(Field::State) else {
            if let Some(field) =
                [Field::Until, Field::Reason, Field::Missing].into_iter().find(|field| self.text(*field).is_some())
            {
                return self.refuse(field, "gehört zu einem Meldestand, der hier fehlt");
            }
            let has_state = self.list.headings.iter().any(|(field, _)| *field == Field::State);
            return match counted {
                Some(state) => Ok(Said::of(state)),
                // whoever has not reported has a blank there
                None if has_state && self.reader.kind == ListKind::Snapshot => Ok(Said::of(ReceiptState::Missing)),
                None => self.refuse(Field::State, "die Zeile sagt nichts über den Meldestand; angenommen wird eine Spalte mit dem Stand oder mit den Bestandteilen der Meldung"),
            };
        };
        let Some(word) = list_cells::state(text) else {
            return self.refuse(Field::State, "unbekannter Meldestand; angenommen werden fehlt, teilweise, vollständig, Fehlanzeige, entschuldigt, verlängert, befreit");
        };
        let said = self.worded(duty, word)?;
        match counted {
            Some(counted) if is_report(&said.state) && said.state != counted => {
                self.refuse(Field::State, "widerspricht den Bestandteilen in derselben Zeile")
            }
            _ => Ok(said),
        }
    }

    /// What the part columns and the nil column amount to (S2); `None` if the list has none of them for this duty.
    fn counted(&self, duty: &Duty) -> Result<Option<ReceiptState>, Refusal> {
        let is_nil = match self.text(Field::Nil) {
            None => false,
            Some(text) => match list_cells::yes_or_no(text) {
                Some(answer) => answer,
                None => return self.refuse(Field::Nil, "angenommen wird ja oder nein"),
            },
        };
        let columns = self.parts_of.iter().find(|(known, _)| known.id == duty.id).map(|(_, columns)| columns);
        let Some(columns) = columns else {
            return Ok(is_nil.then_some(ReceiptState::Nil));
        };
        let mut missing = Vec::new();
        for part in &duty.parts {
            let place = columns.iter().find(|(_, id)| *id == part.id).map(|(place, _)| *place);
            let presence = place.and_then(|place| self.row.parts.get(place).copied()).unwrap_or(Presence::Blank);
            let column = || place.map_or(String::new(), |place| self.list.parts[place].1.clone());
            match presence {
                Presence::Unreadable => {
                    let accepted = if part.is_confirmation {
                        "ja, nein, ein Datum oder nichts"
                    } else {
                        "eine Zahl ab 0 oder nichts"
                    };
                    return Err(self.refusal_of(
                        column(),
                        None,
                        format!("ist nicht lesbar; angenommen wird {accepted}"),
                    ));
                }
                Presence::AboveZero if is_nil => {
                    return Err(self.refusal_of(
                        column(),
                        None,
                        "hier steht eine Zahl über 0, und die Zeile ist zugleich eine Fehlanzeige; eines von beiden kann nicht stimmen".to_owned(),
                    ));
                }
                Presence::Blank => missing.push(part.id.clone()),
                Presence::Zero | Presence::AboveZero => {}
            }
        }
        Ok(Some(match (is_nil, missing.len()) {
            (true, _) => ReceiptState::Nil,
            (false, 0) => ReceiptState::Complete,
            (false, count) if count == duty.parts.len() => ReceiptState::Missing,
            _ => ReceiptState::Partial { missing },
        }))
    }

    /// What the state's word says, with what belongs to it.
    fn worded(&self, duty: &Duty, word: &str) -> Result<Said, Refusal> {
        if word != "partial" && self.text(Field::Missing).is_some() {
            return self.refuse(Field::Missing, "gehört nur zu einer unvollständigen Meldung (teilweise)");
        }
        let takes_until = matches!(word, "extended" | "exempt" | "nil");
        if !takes_until && self.text(Field::Until).is_some() {
            return self.refuse(Field::Until, "gehört nur zu verlängert, befreit und Fehlanzeige");
        }
        if matches!(word, "missing" | "partial" | "complete") && self.text(Field::Reason).is_some() {
            return self.refuse(Field::Reason, "gehört nur zu entschuldigt, verlängert, befreit und Fehlanzeige");
        }
        Ok(match word {
            "missing" => Said::of(ReceiptState::Missing),
            "complete" => Said::of(ReceiptState::Complete),
            "partial" => Said::of(ReceiptState::Partial { missing: self.missing(duty)? }),
            "excused" => Said::of(ReceiptState::Excused { reason: self.reason()? }),
            "extended" => Said::of(ReceiptState::Extended { until: self.until()?, reason: self.reason()? }),
            "exempt" => {
                Said { stands: self.stands(true)?, ..Said::of(ReceiptState::Exempt { reason: self.reason()? }) }
            }
            _ => {
                let stands = self.stands(false)?;
                let needs_reason = stands != Stands::ThisCycle || self.text(Field::Reason).is_some();
                let note = if needs_reason { Some(self.reason()?) } else { None };
                Said { state: ReceiptState::Nil, stands, note }
            }
        })
    }

    /// For how long a nil report or an exemption stands.
    fn stands(&self, may_be_open: bool) -> Result<Stands, Refusal> {
        match self.text(Field::Until) {
            None => Ok(Stands::ThisCycle),
            Some(text) if may_be_open && FURTHER_NOTICE.contains(&normal(text).as_str()) => Ok(Stands::FurtherNotice),
            Some(_) => self.until().map(Stands::Until),
        }
    }

    fn missing(&self, duty: &Duty) -> Result<Vec<String>, Refusal> {
        let Some(text) = self.text(Field::Missing) else {
            return match self.counted(duty)? {
                Some(ReceiptState::Partial { missing }) => Ok(missing),
                _ => self.refuse(Field::Missing, "fehlt; eine unvollständige Meldung sagt, welche Bestandteile fehlen"),
            };
        };
        let wanted: Vec<String> = text.split([',', ';']).map(normal).filter(|name| !name.is_empty()).collect();
        let is_named =
            |name: &String, part: &super::duty::Part| normal(&part.id) == *name || normal(&part.title) == *name;
        if wanted.iter().any(|name| !duty.parts.iter().any(|part| is_named(name, part))) {
            let known: Vec<&str> = duty.parts.iter().map(|part| part.id.as_str()).collect();
            return self
                .refuse(Field::Missing, format!("unbekannter Bestandteil; angenommen werden {}", known.join(", ")));
        }
        let missing: Vec<String> = duty
            .parts
            .iter()
            .filter(|part| wanted.iter().any(|name| is_named(name, part)))
            .map(|part| part.id.clone())
            .collect();
        if missing.len() == duty.parts.len() {
            return self.refuse(Field::Missing, "nennt alle Bestandteile; dann fehlt die Meldung ganz");
        }
        Ok(missing)
    }

    fn until(&self) -> Result<NaiveDate, Refusal> {
        let Some(text) = self.text(Field::Until) else {
            return self.refuse(Field::Until, "fehlt; angenommen wird der letzte Tag, zum Beispiel 22.12.2026");
        };
        match list_cells::when(text, self.reader.rulebook.zone) {
            Some(When::Day(day)) if day.year() <= LAST_YEAR => Ok(day),
            _ => self.refuse(Field::Until, "ist kein Tag; angenommen wird zum Beispiel 22.12.2026"),
        }
    }

    fn reason(&self) -> Result<String, Refusal> {
        const REASON_LENGTH_MAX: usize = 500; // as in settings
        match self.text(Field::Reason) {
            Some(text) if text.chars().any(char::is_control) => {
                self.refuse(Field::Reason, "enthält einen Zeilenumbruch oder ein Steuerzeichen")
            }
            Some(text) if text.chars().count() > REASON_LENGTH_MAX => {
                self.refuse(Field::Reason, format!("ist zu lang; angenommen werden {REASON_LENGTH_MAX} Zeichen"))
            }
            Some(text) => Ok(text.to_owned()),
            None => self.refuse(Field::Reason, "fehlt; dieser Meldestand braucht einen Grund"),
        }
    }

    /// The text of a field: the row's, else what holds for the whole list.
    fn text(&self, field: Field) -> Option<&'a str> {
        let everywhere =
            || self.list.everywhere.iter().find(|(other, _)| *other == field).map(|(_, text)| text.as_str());
        self.row.text(field).or_else(everywhere)
    }

    fn refuse<T>(&self, field: Field, reason: impl Into<String>) -> Result<T, Refusal> {
        Err(self.refusal(field, reason.into()))
    }

    fn refusal(&self, field: Field, reason: String) -> Refusal {
        self.refusal_of(self.list.heading(field).to_owned(), self.text(field).map(str::to_owned), reason)
    }

    fn refusal_of(&self, column: String, value: Option<String>, reason: String) -> Refusal {
        Refusal { line: self.row.line, column, value, reason }
    }
}

/// Why a nil report or an exemption cannot stand only until then: it would be over before its own cycle.
fn covers_nothing(duty: &Duty, month: Month) -> String {
    let period = duty.period_of(month);
    let last_day = period.next().first_day().pred_opt().unwrap_or(NaiveDate::MAX);
    format!(
        "umfasst nicht den ganzen Berichtsmonat {}; angenommen wird {} oder ein späterer Tag, oder nichts, wenn es nur für diesen \
         Monat gilt",
        period.in_words(),
        last_day.format("%d.%m.%Y")
    )
}

/// What an entry says, checked against the deadline in force; `None` if that is well.
pub fn judge_until(entry: &Entry, list: &List, ends_on: NaiveDate) -> Option<Refusal> {
    let ReceiptState::Extended { until, .. } = &entry.state else { return None };
    (*until <= ends_on).then(|| Refusal {
        line: entry.line,
        column: list.heading(Field::Until).to_owned(),
        value: Some(until.format("%d.%m.%Y").to_string()),
        reason: format!("die Frist selbst endet am {}; angenommen wird ein späterer Tag", date_in_words(ends_on)),
    })
}

/// Refuses what is said of one that owes no report in that cycle; `None` if it does.
pub fn judge_owing(entry: &Entry, list: &List, roster: &Roster, ends_on: NaiveDate) -> Option<Refusal> {
    if roster.owes(&entry.authority, ends_on) || entry.state == ReceiptState::Missing {
        return None; // that nothing was reported is no news of one that need not report
    }
    let remedy = match roster.reporter_of(&entry.authority, ends_on) {
        Some(reporter) => format!("für sie meldet {} ({})", reporter.name, reporter.id),
        None => "siehe valid_from und valid_to in authorities.csv".to_owned(),
    };
    Some(Refusal {
        line: entry.line,
        column: list.heading(Field::Authority).to_owned(),
        value: Some(entry.authority.to_string()),
        reason: format!("ist zur Frist am {} nicht meldepflichtig; {remedy}", date_in_words(ends_on)),
    })
}

/// Whether the part columns must agree with the word.
fn is_report(state: &ReceiptState) -> bool {
    matches!(state, ReceiptState::Missing | ReceiptState::Partial { .. } | ReceiptState::Complete | ReceiptState::Nil)
}

#[cfg(test)]
#[path = "list_entries_tests.rs"]
mod tests;

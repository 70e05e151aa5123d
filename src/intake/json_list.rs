//! Reads a list from JSON as `docs/list.schema.json` says. Never takes a property that it does not know (S3).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ReadOptions;
use super::fault::{Faults, shown};
use super::headings::nearest;
use super::json_value::{AnyValue, Value};
use super::table::{TOO_MUCH_TEXT, too_many_rows};
use super::text;
use crate::domain::list::{Columns, Field, List, ListKind, ListRow, PartColumn, Presence};

/// What may stand beside `rows` for all of them.
const HEAD_FIELDS: [Field; 6] =
    [Field::Month, Field::Period, Field::Duty, Field::ReportedAt, Field::Until, Field::Reason];
const KIND: &str = "kind";
const SOURCE: &str = "source";
const SOURCE_LENGTH_MAX: usize = 200; // as a name in the settings
const ROWS: &str = "rows";
const PARTS: &str = "parts";
/// Most bytes of text that are kept of a file; JSON names each text itself, so that the file's own bound comes first.
const TEXTS_BYTES_MAX: usize = super::BYTES_MAX;

/// Reads a list from JSON.
pub(super) fn read(bytes: &[u8], columns: &Columns, options: &ReadOptions) -> Result<List, Faults> {
    let refuse = |what: &str| Faults::one(None, what);
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let text = text.map_err(|_| refuse("ist kein JSON in UTF-8; bitte als UTF-8 schreiben"))?;
    if text.trim_start().starts_with('[') {
        return Err(refuse("ist ein JSON-Feld; erwartet wird ein Objekt mit der Eigenschaft „rows“"));
    }
    let mut draft = Draft::new(columns, options.rows_max);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Head(&mut draft).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match read {
        // what the library says may hold a value, so only the place is told
        Err(error) if draft.faults.is_empty() => {
            let place = format!("Textzeile {}, Zeichen {}", error.line(), error.column());
            Err(Faults::one(None, format!("ist kein gültiges JSON ({place}); ist die Datei vollständig?")))
        }
        Err(_) => Err(draft.faults),
        Ok(()) => draft.finish(),
    }
}

/// The list as far as it is read; parts wait for the duty, which may come later in the file.
struct Draft<'a> {
    columns: &'a Columns,
    rows_max: usize,
    list: List,
    rows: Vec<RowDraft>,
    part_ids: Vec<String>,
    text_bytes: usize,
    has_rows: bool,
    faults: Faults,
}

#[derive(Default)]
struct RowDraft {
    texts: Vec<(Field, String)>,
    /// The place of the part's id in `part_ids`, and the presence if it is a figure or if it is a confirmation.
    parts: Vec<(usize, [Presence; 2])>,
}

impl<'a> Draft<'a> {
    fn new(columns: &'a Columns, rows_max: usize) -> Self {
        Self {
            columns,
            rows_max,
            list: List::default(),
            rows: Vec::new(),
            part_ids: Vec::new(),
            text_bytes: 0,
            has_rows: false,
            faults: Faults::default(),
        }
    }

    fn complain(&mut self, line: Option<usize>, property: &str, what: impl Into<String>) {
        self.faults.push(line, Some(format!("„{}“", shown(property))), what);
    }

    fn finish(mut self) -> Result<List, Faults> {
        if !self.has_rows {
            self.faults.push(None, None, "hat keine Eigenschaft „rows“; dort stehen die Meldungen");
        }
        for (index, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            let row = self.finish_row(index + 1, row);
            self.list.rows.push(row);
        }
        let parts = self.list.parts.len();
        for row in &mut self.list.rows {
            row.parts.resize(parts, Presence::Blank);
        }
        self.faults.unless_any(self.list)
    }

    fn finish_row(&mut self, line: usize, draft: RowDraft) -> ListRow {
        let mut row = ListRow { line, texts: draft.texts, parts: vec![Presence::Blank; self.list.parts.len()] };
        let in_head = || self.list.everywhere.iter().find(|(field, _)| *field == Field::Duty).map(|(_, duty)| duty);
        let duty = row.text(Field::Duty).map(str::to_owned).or_else(|| in_head().cloned());
        for (id, presences) in draft.parts {
            match self.part(duty.as_deref(), &self.part_ids[id]) {
                Ok(part) => {
                    let presence = presences[usize::from(part.is_confirmation)];
                    let index = self.index_of(part, id);
                    row.parts.resize(row.parts.len().max(index + 1), Presence::Blank);
                    row.parts[index] = presence;
                }
                Err(what) => {
                    let property = format!("{PARTS}.{}", self.part_ids[id]);
                    self.complain(Some(line), &property, what);
                }
            }
        }
        row
    }

    /// The part of the duty. Of a duty that is not named by its id, but perhaps by its title, the only part of that name.
    fn part(&self, duty: Option<&str>, id: &str) -> Result<PartColumn, String> {
        let duty = duty.filter(|duty| self.columns.parts().any(|part| &*part.duty == *duty));
        let mut named =
            self.columns.parts().filter(|part| part.part == id && duty.is_none_or(|duty| &*part.duty == duty));
        let Some(first) = named.next() else {
            let of_duty = self.columns.parts().filter(|part| duty.is_none_or(|duty| &*part.duty == duty));
            return Err(format!(
                "gehört nicht zu dieser Meldepflicht; deren Bestandteile: {}",
                ids(of_duty).join(", ")
            ));
        };
        if named.all(|other| other == first) {
            Ok(first.clone())
        } else {
            Err("gibt es in mehreren Meldepflichten; bitte in „duty“ die Kennung angeben".to_owned())
        }
    }

    fn index_of(&mut self, part: PartColumn, id: usize) -> usize {
        if let Some(index) = self.list.parts.iter().position(|(other, _)| *other == part) {
            return index;
        }
        self.list.parts.push((part, self.part_ids[id].clone()));
        self.list.parts.len() - 1
    }

    /// A value as text; blank ones and `null` are none.
    fn text(&mut self, line: Option<usize>, field: Field, value: Value) -> Option<String> {
        let expected = match (field, value) {
            (_, Value::Null) => return None,
            (Field::Nil, Value::YesNo(is_yes)) => return Some((if is_yes { "ja" } else { "nein" }).to_owned()),
            (Field::Nil, _) => "erwartet wird true oder false",
            (Field::Missing, Value::Texts(texts)) => return self.clean(line, field, &texts.join(", ")),
            (Field::Missing, _) => "erwartet wird ein Feld mit Kennungen von Bestandteilen, wie [\"returns\"]",
            (_, Value::Text(text)) => return self.clean(line, field, &text),
            _ => "erwartet wird ein Text in Anführungszeichen",
        };
        self.complain(line, field.as_str(), expected);
        None
    }

    fn clean(&mut self, line: Option<usize>, field: Field, text: &str) -> Option<String> {
        match text::clean(text) {
            Ok(text) if text.is_empty() => None,
            Ok(text) => {
                self.text_bytes += text.len();
                Some(text)
            }
            Err(unfit) => {
                self.complain(line, field.as_str(), unfit.as_str());
                None
            }
        }
    }

    /// Goes on only while faults are told: a file that is wrong throughout need not be read to its end.
    fn go_on<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.faults.is_full() { Err(E::custom("too many faults")) } else { Ok(()) }
    }

    fn head_property<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        if key == ROWS {
            self.has_rows = true;
            return map.next_value_seed(Rows(self));
        }
        let value: Value = map.next_value_seed(AnyValue)?;
        if let Some(field) = HEAD_FIELDS.into_iter().find(|field| field.as_str() == key) {
            if let Some(text) = self.text(None, field, value) {
                self.list.everywhere.push((field, text));
            }
            return Ok(());
        }
        match (key, value) {
            (KIND, Value::Text(word)) => {
                self.list.kind = ListKind::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind);
                if self.list.kind.is_none() {
                    self.complain(None, KIND, "unbekannte Art; bekannt: snapshot, events");
                }
            }
            (SOURCE, Value::Null) => {}
            (SOURCE, Value::Text(name)) => match text::clean(&name) {
                Ok(name) if name.chars().count() > SOURCE_LENGTH_MAX => {
                    self.complain(None, SOURCE, "ist zu lang; angenommen wird ein Name mit bis zu 200 Zeichen");
                }
                Ok(name) => self.list.source = Some(name).filter(|name| !name.is_empty()),
                Err(unfit) => self.complain(None, SOURCE, unfit.as_str()),
            },
            (KIND | SOURCE, _) => self.complain(None, key, "erwartet wird ein Text in Anführungszeichen"),
            _ => {
                let known = [KIND, SOURCE, ROWS].into_iter().chain(HEAD_FIELDS.map(Field::as_str));
                self.complain(None, key, unknown(key, &known.collect::<Vec<_>>()));
            }
        }
        Ok(())
    }

    fn row_property<'de, A: MapAccess<'de>>(
        &mut self,
        line: usize,
        key: &str,
        row: &mut RowDraft,
        map: &mut A,
    ) -> Result<(), A::Error> {
        if key == PARTS {
            return map.next_value_seed(Parts { draft: self, line, row });
        }
        let value: Value = map.next_value_seed(AnyValue)?;
        let Some((_, field)) = Field::ALL.into_iter().find(|(known, _)| *known == key) else {
            let known = Field::ALL.into_iter().map(|(known, _)| known).chain([PARTS]);
            self.complain(Some(line), key, unknown(key, &known.collect::<Vec<_>>()));
            return Ok(());
        };
        if let Some(text) = self.text(Some(line), field, value) {
            if !self.list.headings.iter().any(|(other, _)| *other == field) {
                self.list.headings.push((field, field.as_str().to_owned()));
            }
            row.texts.push((field, text));
        }
        Ok(())
    }
}

/// Each part's id once, in alphabetical order.
fn ids<'a>(parts: impl Iterator<Item = &'a PartColumn>) -> Vec<&'a str> {
    let mut ids: Vec<&str> = parts.map(|part| part.part.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn unknown(key: &str, known: &[&str]) -> String {
    let near: Vec<String> = nearest(key, known).iter().map(|known| format!("„{known}“")).collect();
    format!("unbekannte Eigenschaft; bitte entfernen oder umbenennen, angenommen wird am ehesten {}", near.join(", "))
}

/// Walks an object and refuses keys that come twice, of which readers take now the first and now the last.
fn each_property<'de, A: MapAccess<'de>>(
    map: &mut A,
    mut take: impl FnMut(&str, bool, &mut A) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
    while let Some(key) = map.next_key::<String>()? {
        let is_twice = seen.contains(&key);
        take(&key, is_twice, map)?;
        seen.insert(key);
    }
    Ok(())
}

const TWICE: &str = "steht zweimal da; bitte eine der beiden entfernen";

struct Head<'d, 'a>(&'d mut Draft<'a>);

impl<'de> DeserializeSeed<'de> for Head<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Head<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with rows")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let draft = self.0;
        each_property(&mut map, |key, is_twice, map| {
            draft.go_on()?;
            if is_twice {
                draft.complain(None, key, TWICE);
                return map.next_value::<IgnoredAny>().map(drop);
            }
            draft.head_property(key, map)
        })
    }
}

struct Rows<'d, 'a>(&'d mut Draft<'a>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let draft = self.0;
        while let Some(row) = rows.next_element_seed(Row { draft: &mut *draft })? {
            draft.rows.push(row);
            let line = Some(draft.rows.len());
            if draft.rows.len() > draft.rows_max {
                draft.faults.push(line, None, too_many_rows(draft.rows_max));
                return Err(A::Error::custom("too many rows"));
            }
            if draft.text_bytes > TEXTS_BYTES_MAX {
                draft.faults.push(line, None, TOO_MUCH_TEXT);
                return Err(A::Error::custom("too much text"));
            }
        }
        Ok(())
    }
}

struct Row<'d, 'a> {
    draft: &'d mut Draft<'a>,
}

impl<'de> DeserializeSeed<'de> for Row<'_, '_> {
    type Value = RowDraft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RowDraft, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_> {
    type Value = RowDraft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowDraft, A::Error> {
        let draft = self.draft;
        let line = draft.rows.len() + 1;
        let mut row = RowDraft::default();
        each_property(&mut map, |key, is_twice, map| {
            draft.go_on()?;
            if is_twice {
                draft.complain(Some(line), key, TWICE);
                return map.next_value::<IgnoredAny>().map(drop);
            }
            draft.row_property(line, key, &mut row, map)
        })?;
        Ok(row)
    }
}

struct Parts<'d, 'a> {
    draft: &'d mut Draft<'a>,
    line: usize,
    row: &'d mut RowDraft,
}

impl<'de> DeserializeSeed<'de> for Parts<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of parts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { draft, line, row } = self;
        each_property(&mut map, |key, is_twice, map| {
            draft.go_on()?;
            let property = || format!("{PARTS}.{key}");
            let value: Value = map.next_value_seed(AnyValue)?;
            if is_twice {
                draft.complain(Some(line), &property(), TWICE);
            } else if !draft.columns.parts().any(|part| part.part == key) {
                let what = unknown(key, &ids(draft.columns.parts()));
                draft.complain(Some(line), &property(), what);
            } else if !matches!(value, Value::Null | Value::YesNo(_) | Value::Number(_)) {
                draft.complain(Some(line), &property(), "erwartet wird eine Zahl, true, false oder null");
            } else {
                let known = draft.part_ids.iter().position(|id| id == key);
                let id = known.unwrap_or_else(|| {
                    draft.part_ids.push(key.to_owned());
                    draft.part_ids.len() - 1
                });
                row.parts.push((id, [value.presence(false), value.presence(true)]));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
#[path = "json_list_tests.rs"]
mod tests;

//! What may stand for a property of a JSON list, read without keeping more than a list needs. Never knows which property it is.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text;
use crate::domain::list::Presence;
use crate::domain::list_cells;

/// A value of a property, as far as it can be one.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Null,
    YesNo(bool),
    Number(f64),
    Text(String),
    Texts(Vec<String>),
    Other,
}

impl Value {
    pub(super) fn presence(&self, is_confirmation: bool) -> Presence {
        match self {
            Self::Null => Presence::Blank,
            Self::YesNo(is_yes) => list_cells::presence_of_yes_no(*is_yes, is_confirmation),
            Self::Number(number) => list_cells::presence_of_number(*number, is_confirmation),
            _ => Presence::Unreadable,
        }
    }
}

/// Reads one, whatever it is.
pub(super) struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, is_yes: bool) -> Result<Value, E> {
        Ok(Value::YesNo(is_yes))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        const SEPARATOR_BYTES: usize = ", ".len();
        let mut texts = Vec::new();
        let mut is_texts = true;
        let mut bytes = 0;
        while let Some(value) = seq.next_element_seed(AnyValue)? {
            match value {
                Value::Text(text) if !text.contains(',') => {
                    // together they are one text; what comes when that is too long already would only fill the memory
                    if bytes <= text::TEXT_BYTES_MAX + 2 * SEPARATOR_BYTES {
                        bytes += text.trim().len() + SEPARATOR_BYTES;
                        texts.push(text);
                    }
                }
                _ => is_texts = false,
            }
        }
        Ok(if is_texts { Value::Texts(texts) } else { Value::Other })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

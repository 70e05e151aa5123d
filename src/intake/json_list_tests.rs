//! Tests lists in JSON, and that reader and schema say the same.

use serde::de::DeserializeSeed;
use serde_json::{Value, json};

use crate::domain::list::{Field, ListKind, Meaning, Presence};
use crate::intake::test_support::{accepted, columns, read_with, refused, rows};
use crate::intake::{ReadOptions, read};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/list.schema.json")).unwrap()
}

fn example() -> Value {
    schema()["examples"][0].clone()
}

#[test]
fn the_example_of_the_schema_is_read() {
    let list = accepted(example().to_string().as_bytes());
    assert_eq!(list.kind, Some(ListKind::Snapshot));
    assert_eq!(list.everywhere[..2], [(Field::Duty, "statistics".to_owned()), (Field::Month, "2026-12".to_owned())]);
    assert_eq!(
        rows(&list),
        [
            "authority=abh-05111-duesseldorf; reag-garp=AboveZero; reported_at=2026-12-04T09:12:00+01:00; returns=Zero; \
             without-funding=AboveZero",
            "authority=abh-05112-duisburg; missing=without-funding; reag-garp=AboveZero; returns=Zero; state=partial",
            "authority=abh-05113-essen; nil=ja",
            "authority=abh-05911-bochum; confirmation=AboveZero; duty=planning",
        ]
    );
    assert_eq!(list.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(list.heading(Field::ReportedAt), "reported_at");
}

/// Whether a value is what the schema says, as far as the schema's own words go.
fn is_valid(schema: &Value, root: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return is_valid(root.pointer(reference.trim_start_matches('#')).unwrap(), root, value);
    }
    let is_type = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema says {other}, which this check does not know"),
    };
    let types_fit = match &schema["type"] {
        Value::String(name) => is_type(name),
        Value::Array(names) => names.iter().any(|name| is_type(name.as_str().unwrap())),
        _ => true,
    };
    let word_fits = schema["enum"].as_array().is_none_or(|words| words.contains(value));
    let length_fits =
        value.as_str().zip(schema["maxLength"].as_u64()).is_none_or(|(text, max)| text.len() as u64 <= max);
    let pattern_fits = value.as_str().filter(|_| schema["pattern"] == "^[^,]*$").is_none_or(|text| !text.contains(','));
    let items_fit =
        value.as_array().is_none_or(|items| items.iter().all(|item| is_valid(&schema["items"], root, item)));
    let properties_fit = value.as_object().is_none_or(|object| {
        let required = schema["required"].as_array().into_iter().flatten();
        let all_there = required.into_iter().all(|name| object.contains_key(name.as_str().unwrap()));
        all_there
            && object.iter().all(|(name, value)| match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => false,
                (Value::Null, rest) => is_valid(rest, root, value),
                (property, _) => is_valid(property, root, value),
            })
    });
    types_fit && word_fits && length_fits && pattern_fits && items_fit && properties_fit
}

#[test]
fn what_the_schema_allows_is_read_and_what_it_forbids_is_refused() {
    let schema = schema();
    let check = |label: String, document: &Value| {
        let told = read_with(&ReadOptions::default(), document.to_string().as_bytes());
        let is_read = told.is_ok();
        assert_eq!(is_read, is_valid(&schema, &schema, document), "{label}: {document}\n{told:?}");
        is_read
    };
    assert!(check("the example".to_owned(), &example()));
    let values = [
        json!(null),
        json!(true),
        json!(12),
        json!(-1.5),
        json!("text"),
        json!("snapshot"),
        json!("events"),
        json!("x".repeat(5_000)),
        json!([]),
        json!(["returns"]),
        json!(["a,b"]),
        json!([1]),
        json!({}),
        json!({"returns": 1}),
        json!({"returns": "1"}),
        json!({"returns": [1]}),
    ];
    let names = ["kind", "source", "rows", "parts", "name", "Authority"].into_iter();
    let names: Vec<&str> = names.chain(Field::ALL.map(|(key, _)| key)).collect();
    let mut counts = [0, 0];
    for name in names {
        for value in &values {
            for in_row in [false, true] {
                let mut document = example();
                let object = if in_row { &mut document["rows"][2] } else { &mut document };
                object[name] = value.clone();
                let is_read = check(format!("{name}, in a row: {in_row}"), &document);
                counts[usize::from(is_read)] += 1;
            }
        }
        let mut document = example();
        document.as_object_mut().unwrap().remove(name);
        check(format!("without {name}"), &document);
    }
    assert!(counts[0] > 200 && counts[1] > 30, "both are seen: {counts:?}");
}

#[test]
fn the_schema_names_every_field_and_nothing_else() {
    let schema = schema();
    let row = schema["$defs"]["row"]["properties"].as_object().unwrap();
    let mut want: Vec<&str> = Field::ALL.into_iter().map(|(key, _)| key).chain(["parts"]).collect();
    want.sort_unstable();
    let mut named: Vec<&str> = row.keys().map(String::as_str).collect();
    named.sort_unstable();
    assert_eq!(named, want);
}

#[test]
fn what_is_wrong_is_told_with_row_and_property_all_at_once_and_without_a_value() {
    let document = r#"{"kind": "all", "duty": "statistics", "person": {"name": "Muster"}, "rows": [
        {"authority": "abh-1", "birthday": "1990-01-01", "state": 5, "parts": {"returns": "4711", "dublin": 3}},
        {"authority": "abh-2", "authority": "abh-3", "nil": "ja", "reason": "a\u0000b"},
        {"parts": {"confirmation": true}}
    ]}"#;
    let told = refused(
        "all of it",
        document.as_bytes(),
        &[
            "liste: Spalte „kind“: unbekannte Art; bekannt: snapshot, events",
            "liste: Spalte „person“: unbekannte Eigenschaft",
            "Zeile 1, Spalte „birthday“: unbekannte Eigenschaft",
            "Zeile 1, Spalte „state“: erwartet wird ein Text",
            "Zeile 1, Spalte „parts.returns“: erwartet wird eine Zahl",
            "Zeile 1, Spalte „parts.dublin“: unbekannte Eigenschaft",
            "Zeile 2, Spalte „authority“: steht zweimal da",
            "Zeile 2, Spalte „nil“: erwartet wird true oder false",
            "Zeile 2, Spalte „reason“: enthält ein unsichtbares Steuerzeichen",
        ],
    );
    for value in ["Muster", "1990", "4711", "abh-"] {
        assert!(!told.contains(value), "{value} is not told: {told}");
    }
    let wrong_duty = r#"{"duty": "statistics", "rows": [{"parts": {"confirmation": true}}]}"#;
    refused("part of another duty", wrong_duty.as_bytes(), &["Zeile 1, Spalte „parts.confirmation“", "returns"]);
}

#[test]
fn what_is_no_json_list_is_refused_with_its_place() {
    let check = |label: &str, text: &str, pieces: &[&str]| drop(refused(label, text.as_bytes(), pieces));
    check("cut off", "{\"rows\": [\n{\"authority\": \"a", &["kein gültiges JSON (Textzeile 2,"]);
    check("more behind", "{\"rows\": []} {}", &["kein gültiges JSON"]);
    check("an array", "[{}]", &["erwartet wird ein Objekt"]);
    check("rows missing", "{}", &["keine Eigenschaft „rows“"]);
    check("rows are no array", "{\"rows\": {}}", &["kein gültiges JSON"]);
    check("beyond numbers", "{\"rows\": [{\"parts\": {\"returns\": 1e999}}]}", &["kein gültiges JSON"]);
    check("NaN", "{\"rows\": [{\"parts\": {\"returns\": NaN}}]}", &["kein gültiges JSON"]);
    check("deep", &format!("{{\"rows\": {}", "[".repeat(100_000)), &["kein gültiges JSON"]);
    check("deep and unknown", &format!("{{\"x\": {}", "{\"a\":".repeat(100_000)), &["kein gültiges JSON"]);
    refused("Latin-1", b"{\"rows\": [{\"authority\": \"K\xf6ln\"}]}", &["kein JSON in UTF-8"]);
    let flood: String = (0..200_000).map(|number| format!("\"p{number}\": 1,")).collect();
    check("flood of unknown properties", &format!("{{{flood} \"rows\": []}}"), &["„p0“", "„p49“"]);
    let rows = ["{}"; 4].join(",");
    let options = ReadOptions { rows_max: 3, ..ReadOptions::default() };
    let told = read("x", format!("{{\"rows\": [{rows}]}}").as_bytes(), &columns(), &options).unwrap_err();
    assert!(told.to_string().contains("mehr als 3 Zeilen"), "{told}");
}

#[test]
fn of_a_part_with_several_headings_the_id_is_told_once_and_always_in_the_same_place() {
    for _ in 0..20 {
        let mut columns = columns();
        let returns = columns.part("statistics", "returns").unwrap().clone();
        for heading in ["Returns", "Abschiebungen", "Zurückführungen"] {
            columns.accept(heading, Meaning::Part(returns.clone())).unwrap();
        }
        let list = br#"{"rows": [{"parts": {"xxxxxxx": 3}}]}"#;
        let told = read("liste", list, &columns, &ReadOptions::default()).unwrap_err().to_string();
        assert!(told.ends_with("am ehesten „returns“, „reag-garp“, „confirmation“"), "{told}");
    }
}

#[test]
fn of_texts_that_are_too_long_together_only_so_many_are_kept() {
    let document = |texts: &[&str]| json!({"rows": [{"authority": "a", "missing": texts}]}).to_string();
    let check =
        |label: &str, texts: &[&str]| drop(refused(label, document(texts).as_bytes(), &["„missing“: ist länger"]));
    check("texts", &["abc"; 1_000]);
    check("empty texts", &[""; 3_000]);
    let blank = " ".repeat(10_000);
    let list = accepted(document(&[blank.as_str(), "returns"]).as_bytes());
    assert_eq!(list.rows[0].text(Field::Missing), Some(", returns"));
    let texts = serde_json::to_string(&["a"; 10_000][..]).unwrap();
    let read = super::AnyValue.deserialize(&mut serde_json::Deserializer::from_str(&texts)).unwrap();
    assert!(matches!(read, super::Value::Texts(texts) if texts.len() < 2_000));
}

#[test]
fn parts_are_understood_wherever_the_duty_stands() {
    let want = [Presence::AboveZero];
    for document in [
        r#"{"duty": "statistics", "rows": [{"parts": {"returns": 3}}]}"#,
        r#"{"rows": [{"parts": {"returns": 3}}], "duty": "statistics"}"#,
        r#"{"rows": [{"parts": {"returns": 3}, "duty": "statistics"}]}"#,
        r#"{"duty": "planning", "rows": [{"parts": {"returns": 3}, "duty": "statistics"}]}"#,
        r#"{"rows": [{"parts": {"returns": 3}}]}"#,
    ] {
        let list = accepted(document.as_bytes());
        assert_eq!((list.rows[0].parts.as_slice(), &*list.parts[0].0.duty), (&want[..], "statistics"), "{document}");
    }
}

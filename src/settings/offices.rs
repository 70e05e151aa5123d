//! Reads the offices in cycles.toml. Never knows their mailboxes; `contacts` does.

use std::collections::HashMap;

use super::complaint::Spot;
use super::reader::Fields;
use super::values::quoted;
use crate::domain::roster::OfficeKind;
use crate::domain::{District, Office};

/// Audience words that no office may take as its id; `zrk` is one that the ZRK itself may take.
const RESERVED_IDS: [&str; 3] = ["users", "missing", "rrk"];

/// An office with the place where it is written.
pub(super) struct PlacedOffice<'a> {
    pub(super) office: Office,
    pub(super) spot: Spot<'a>,
}

/// The offices, and what steps may call even if an office is broken otherwise.
pub(super) struct Offices<'a> {
    pub(super) placed: Vec<PlacedOffice<'a>>,
    pub(super) ids: Vec<&'a str>,
    pub(super) has_rrk: bool,
}

impl Offices<'_> {
    /// The district of each RRK.
    pub(super) fn districts(&self) -> HashMap<&str, District> {
        let of_rrk = |placed: &PlacedOffice<'_>| match placed.office.kind {
            OfficeKind::Rrk(district) => Some(district),
            _ => None,
        };
        self.placed.iter().filter_map(|placed| Some((&*placed.office.id, of_rrk(placed)?))).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Rrk,
    Zrk,
    Copy,
}

/// Reads every `[[office]]`; a broken one does not hide the others.
pub(super) fn read<'a>(file: &Fields<'a>) -> Offices<'a> {
    let mut offices = Offices { placed: Vec::new(), ids: Vec::new(), has_rrk: false };
    let mut kinds = Vec::new();
    for mut table in file.optional("office").and_then(|field| field.tables(&file.spot, "office")).unwrap_or_default() {
        let id = table.required("id", r#"id = "rrk-koeln""#).and_then(|field| field.id());
        if let Some(id) = id {
            table.spot.place = format!("office {}", quoted(id));
        }
        let name = table.required("name", r#"name = "RRK Köln""#).and_then(|field| field.name());
        let words = [("rrk", Kind::Rrk), ("zrk", Kind::Zrk), ("copy", Kind::Copy)];
        let kind = table.required("kind", r#"kind = "rrk", "zrk" or "copy""#).and_then(|field| field.word(&words));
        let district = match kind {
            Some(Kind::Rrk) => {
                table.required("district", r#"district = "koeln""#).and_then(|field| field.word(&districts()))
            }
            _ => {
                if let (Some(field), Some(_)) = (table.optional("district"), kind) {
                    field.spot.complain("only an office of kind \"rrk\" has a district; leave it out");
                }
                None
            }
        };
        table.finish();
        if let Some(id) = id {
            check_id(id, kind, &offices.ids, &table.spot);
            offices.ids.push(id);
        }
        kinds.push(kind);
        let kind = match (kind, district) {
            (Some(Kind::Rrk), Some(district)) => Some(OfficeKind::Rrk(district)),
            (Some(Kind::Zrk), _) => Some(OfficeKind::Zrk),
            (Some(Kind::Copy), _) => Some(OfficeKind::Copy),
            _ => None,
        };
        if let (Some(id), Some(name), Some(kind)) = (id, name, kind) {
            check_kind(kind, &offices.placed, &table.spot);
            offices.placed.push(PlacedOffice { office: Office { id: id.into(), name, kind }, spot: table.spot });
        }
    }
    if kinds.iter().all(|kind| kind.is_some_and(|kind| kind != Kind::Zrk)) {
        let remedy = r#"write [[office]] with id = "zrk", name and kind = "zrk""#;
        file.spot
            .within("office")
            .complain(format!("no office has kind \"zrk\", which summaries and alarms go to; {remedy}"));
    }
    offices.has_rrk = kinds.iter().any(|kind| kind.is_none_or(|kind| kind == Kind::Rrk));
    offices
}

/// The five districts by their words.
pub(super) fn districts() -> [(&'static str, District); 5] {
    District::ALL.map(|district| (district.as_str(), district))
}

fn check_id(id: &str, kind: Option<Kind>, taken: &[&str], spot: &Spot) {
    if RESERVED_IDS.contains(&id) || (id == "zrk" && kind.is_some_and(|kind| kind != Kind::Zrk)) {
        spot.complain(format!(
            "the id {} is an audience of steps; give the office another one, like \"{id}-koeln\"",
            quoted(id)
        ));
    }
    if taken.contains(&id) {
        spot.complain(format!("the id {} is taken by another office; ids must differ", quoted(id)));
    }
}

fn check_kind(kind: OfficeKind, others: &[PlacedOffice], spot: &Spot) {
    let Some(other) = others.iter().find(|other| other.office.kind == kind) else { return };
    let other = quoted(&other.office.id);
    match kind {
        OfficeKind::Rrk(district) => {
            spot.complain(format!("district {:?} already has the RRK {other}; one is accepted", district.as_str()));
        }
        OfficeKind::Zrk => {
            spot.complain(format!("{other} already is the ZRK; one is accepted, others as kind = \"copy\""))
        }
        OfficeKind::Copy => {}
    }
}

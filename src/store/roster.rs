//! The roster as the running service last took it. Never keeps an older one.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::domain::outline::Outline;
use crate::domain::roster::{AuthorityKind, InsteadOf, OfficeKind};
use crate::domain::{Authority, Contact, District, Mailbox, Office, Owner, Roster};

use super::engine::{execute, fetch_optional};
use super::{StoreError, Tx};

/// What the service took, and when.
#[derive(Clone, Debug)]
pub struct TakenRoster {
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Authorities, offices and contacts.
    pub roster: Roster,
    /// The rules in words, with the deadlines that were to come then.
    pub outline: Outline,
}

impl Tx {
    /// What the service last took, if it ever did.
    pub async fn taken_roster(&mut self) -> Result<Option<TakenRoster>, StoreError> {
        type Row = (DateTime<Utc>, Json<serde_json::Value>, Json<serde_json::Value>);
        let row: Option<Row> =
            fetch_optional!(self, sqlx::query_as("SELECT taken_at, roster, outline FROM taken_roster WHERE id = 1"))?;
        let Some((taken_at, Json(roster), Json(outline))) = row else { return Ok(None) };
        let roster: RosterRow =
            serde_json::from_value(roster).map_err(|cause| corrupt("roster", &cause.to_string()))?;
        let outline: OutlineRow =
            serde_json::from_value(outline).map_err(|cause| corrupt("outline", &cause.to_string()))?;
        let outline = Outline { rules: outline.rules, deadlines: outline.deadlines };
        Ok(Some(TakenRoster { taken_at, roster: roster.into_roster()?, outline }))
    }

    /// Puts what the service takes now in the place of what it took before.
    pub async fn take_roster(
        &mut self,
        roster: &Roster,
        outline: &Outline,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(
                "INSERT INTO taken_roster (id, taken_at, roster, outline) VALUES (1, $1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET taken_at = excluded.taken_at, roster = excluded.roster,
                 outline = excluded.outline",
            )
            .bind(now)
            .bind(Json(RosterRow::of(roster)))
            .bind(Json(OutlineRow { rules: outline.rules.clone(), deadlines: outline.deadlines.clone() }))
        )?;
        Ok(())
    }
}

fn corrupt(column: &'static str, value: &str) -> StoreError {
    let value = value.chars().take(80).collect();
    StoreError::Corrupt { table: "taken_roster", row: "1".to_owned(), column, value, wanted: "roster" }
}

#[derive(Serialize, Deserialize)]
struct OutlineRow {
    rules: std::collections::BTreeMap<String, String>,
    deadlines: std::collections::BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct RosterRow {
    authorities: Vec<AuthorityRow>,
    offices: Vec<OfficeRow>,
    contacts: Vec<ContactRow>,
}

#[derive(Serialize, Deserialize)]
struct AuthorityRow {
    id: String,
    name: String,
    kind: String,
    district: String,
    ags: String,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
    reported_by: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OfficeRow {
    id: String,
    name: String,
    kind: String,
    district: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ContactRow {
    /// The id of an authority or, if `is_office`, of an office.
    owner: String,
    is_office: bool,
    email: String,
    name: String,
    valid_from: Option<NaiveDate>,
    valid_to: Option<NaiveDate>,
    calendar: bool,
    /// A mail address, or `*`.
    instead_of: Option<String>,
}

impl RosterRow {
    fn of(roster: &Roster) -> Self {
        let authority = |one: &Authority| AuthorityRow {
            id: one.id.to_string(),
            name: one.name.clone(),
            kind: match one.kind {
                AuthorityKind::Abh => "abh".to_owned(),
                AuthorityKind::Zab => "zab".to_owned(),
            },
            district: one.district.as_str().to_owned(),
            ags: one.ags.clone(),
            valid_from: one.valid_from,
            valid_to: one.valid_to,
            reported_by: one.reported_by.as_deref().map(str::to_owned),
        };
        let office = |one: &Office| {
            let (kind, district) = match one.kind {
                OfficeKind::Rrk(district) => ("rrk", Some(district.as_str().to_owned())),
                OfficeKind::Zrk => ("zrk", None),
                OfficeKind::Copy => ("copy", None),
            };
            OfficeRow { id: one.id.to_string(), name: one.name.clone(), kind: kind.to_owned(), district }
        };
        let contact = |one: &Contact| {
            let (owner, is_office) = match &one.owner {
                Owner::Authority(id) => (id.to_string(), false),
                Owner::Office(id) => (id.to_string(), true),
            };
            ContactRow {
                owner,
                is_office,
                email: one.mailbox.to_string(),
                name: one.name.clone(),
                valid_from: one.valid_from,
                valid_to: one.valid_to,
                calendar: one.calendar,
                instead_of: one.instead_of.as_ref().map(|instead_of| match instead_of {
                    InsteadOf::All => "*".to_owned(),
                    InsteadOf::Mailbox(mailbox) => mailbox.to_string(),
                }),
            }
        };
        Self {
            authorities: roster.authorities().iter().map(authority).collect(),
            offices: roster.offices().iter().map(office).collect(),
            contacts: roster.contacts().iter().map(contact).collect(),
        }
    }

    fn into_roster(self) -> Result<Roster, StoreError> {
        let district = |word: &str| District::parse(word).ok_or_else(|| corrupt("roster", word));
        let mailbox = |text: &str| Mailbox::parse(text).map_err(|_| corrupt("roster", text));
        let authority = |row: AuthorityRow| {
            Ok(Authority {
                kind: match row.kind.as_str() {
                    "abh" => AuthorityKind::Abh,
                    "zab" => AuthorityKind::Zab,
                    other => return Err(corrupt("roster", other)),
                },
                district: district(&row.district)?,
                id: row.id.into(),
                name: row.name,
                ags: row.ags,
                valid_from: row.valid_from,
                valid_to: row.valid_to,
                reported_by: row.reported_by.map(Into::into),
            })
        };
        let office = |row: OfficeRow| {
            let kind = match (row.kind.as_str(), &row.district) {
                ("rrk", Some(word)) => OfficeKind::Rrk(district(word)?),
                ("zrk", None) => OfficeKind::Zrk,
                ("copy", None) => OfficeKind::Copy,
                (other, _) => return Err(corrupt("roster", other)),
            };
            Ok(Office { id: row.id.into(), name: row.name, kind })
        };
        let contact = |row: ContactRow| {
            Ok(Contact {
                owner: if row.is_office { Owner::Office(row.owner.into()) } else { Owner::Authority(row.owner.into()) },
                mailbox: mailbox(&row.email)?,
                name: row.name,
                valid_from: row.valid_from,
                valid_to: row.valid_to,
                calendar: row.calendar,
                instead_of: match row.instead_of.as_deref() {
                    None => None,
                    Some("*") => Some(InsteadOf::All),
                    Some(text) => Some(InsteadOf::Mailbox(mailbox(text)?)),
                },
            })
        };
        Ok(Roster::new(
            self.authorities.into_iter().map(authority).collect::<Result<_, StoreError>>()?,
            self.offices.into_iter().map(office).collect::<Result<_, StoreError>>()?,
            self.contacts.into_iter().map(contact).collect::<Result<_, StoreError>>()?,
        ))
    }
}

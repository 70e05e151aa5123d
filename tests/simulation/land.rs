//! The settings of one simulated world: as files for fristd, as values for the model. Never asks fristd what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use chrono::{NaiveDate, NaiveTime};
use fristd::domain::Month;
use fristd::domain::pace::UNLIMITED;

/// What the files of a world say at one time.
#[derive(Clone, Debug)]
pub struct Land {
    /// Whether every day is worked; else Monday to Friday without the public holidays of Nordrhein-Westfalen.
    pub is_every_day_worked: bool,
    pub sending: (NaiveTime, NaiveTime),
    pub import: Import,
    pub waits_for_signal: bool,
    pub authorities: Vec<Authority>,
    pub contacts: Vec<Contact>,
    pub duties: Vec<Duty>,
    pub entries: BTreeMap<Month, Entry>,
    pub notices_a_tick_max: usize,
    pub holds_uncertain: bool,
    /// None: no limit.
    pub mails_a_minute: Option<u32>,
}

/// The default import date.
#[derive(Clone, Copy, Debug)]
pub enum Import {
    WorkingDay(u32),
    Day(u32),
}

#[derive(Clone, Debug)]
pub struct Authority {
    pub id: String,
    /// A name that stands in no template.
    pub name: String,
    pub district: &'static str,
    pub valid_to: Option<NaiveDate>,
    pub reported_by: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub owner: String,
    pub mailbox: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub import: Option<NaiveDate>,
    pub correction: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Duty {
    pub id: &'static str,
    pub deadline: Deadline,
    pub parts: Vec<&'static str>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    Window { working_days: u32, counts_import_day: bool },
    Day { day: u32, on_free_day: &'static str },
}

#[derive(Clone, Debug)]
pub struct Step {
    pub id: String,
    pub kind: &'static str,
    pub base: &'static str,
    pub working_days: bool,
    pub offset: i32,
    pub time: NaiveTime,
    pub to: Vec<&'static str>,
}

impl Authority {
    /// Whether it owes the report of a deadline that ends on that day.
    pub fn owes(&self, ends_on: NaiveDate) -> bool {
        self.valid_to.is_none_or(|to| ends_on <= to)
    }
}

impl Land {
    pub fn districts(&self) -> BTreeSet<&'static str> {
        self.authorities.iter().map(|authority| authority.district).collect()
    }

    pub fn authority(&self, id: &str) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.id == id)
    }

    pub fn duty(&self, id: &str) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.id == id)
    }

    /// The mailboxes of an owner on a day.
    pub fn mailboxes_of<'a>(&'a self, owner: &'a str, day: NaiveDate) -> impl Iterator<Item = &'a str> {
        let is_valid = move |contact: &&Contact| {
            contact.from.is_none_or(|from| from <= day) && contact.to.is_none_or(|to| day <= to)
        };
        self.contacts.iter().filter(move |contact| contact.owner == owner).filter(is_valid).map(|c| c.mailbox.as_str())
    }

    /// Whether an owner is an office.
    pub fn is_office(owner: &str) -> bool {
        owner == "zrk" || owner == "zfa" || owner.starts_with("rrk-")
    }

    /// Writes the files into a folder.
    pub fn write(&self, folder: &Path) {
        std::fs::create_dir_all(folder.join("calendars")).unwrap();
        let every_day = include_str!("../scenarios/around-the-clock/calendars/every-day.toml");
        std::fs::write(folder.join("calendars/every-day.toml"), every_day).unwrap();
        std::fs::write(folder.join("fristd.toml"), self.service()).unwrap();
        std::fs::write(folder.join("cycles.toml"), self.cycles()).unwrap();
        let mut authorities = String::from("id,name,kind,district,ags,valid_to,reported_by\n");
        for Authority { id, name, district, valid_to, reported_by } in &self.authorities {
            let reported_by = reported_by.as_deref().unwrap_or_default();
            writeln!(authorities, "{id},{name},abh,{district},05113,{},{reported_by}", shown(*valid_to)).unwrap();
        }
        std::fs::write(folder.join("authorities.csv"), authorities).unwrap();
        let mut contacts = String::from("owner,email,name,valid_from,valid_to,calendar\n");
        for Contact { owner, mailbox, from, to } in &self.contacts {
            writeln!(contacts, "{owner},{mailbox},,{},{},", shown(*from), shown(*to)).unwrap();
        }
        std::fs::write(folder.join("contacts.csv"), contacts).unwrap();
    }

    fn service(&self) -> String {
        format!(
            "[mail]\non_uncertain = \"{}\"\n\n[limits]\nnotices_a_tick_max = {}\nmails_a_minute = {}\nmails_a_minute_a_domain = {UNLIMITED}\nbreaker_failures = {}\n",
            if self.holds_uncertain { "hold" } else { "resend" },
            self.notices_a_tick_max,
            self.mails_a_minute.unwrap_or(UNLIMITED),
            if self.holds_uncertain { 2 } else { 5 } // two in a row are not rare in a small world
        )
    }

    fn cycles(&self) -> String {
        let mut text = String::new();
        let calendar = if self.is_every_day_worked { "every-day" } else { "nrw" };
        let import = match self.import {
            Import::WorkingDay(number) => format!("working_day = {number}"),
            Import::Day(day) => format!("day = {day}"),
        };
        let announce = if self.waits_for_signal { "on-signal" } else { "on-date" };
        let (from, until) = self.sending;
        write!(
            text,
            "calendar = \"{calendar}\"\n\n[import]\nrule = {{ {import} }}\nannounce = \"{announce}\"\n\n\
             [sending]\nfrom = \"{}\"\nuntil = \"{}\"\n\n\
             [letter]\nfile_number = \"523\"\nsystem = \"APS\"\ncontact = \"aps@zrk.example\"\nsignature = [\"ZRK\"]\nattach = []\n\n",
            from.format("%H:%M"),
            until.format("%H:%M")
        )
        .unwrap();
        for district in self.districts() {
            write!(
                text,
                "[[office]]\nid = \"rrk-{district}\"\nname = \"RRK {district}\"\nkind = \"rrk\"\ndistrict = \"{district}\"\n\n"
            )
            .unwrap();
        }
        text += "[[office]]\nid = \"zrk\"\nname = \"ZRK\"\nkind = \"zrk\"\n\n[[office]]\nid = \"zfa\"\nname = \"ZFA\"\nkind = \"copy\"\n\n";
        for duty in &self.duties {
            duty.write(&mut text);
        }
        for (month, entry) in &self.entries {
            write!(text, "[[cycle]]\nmonth = \"{month}\"\n").unwrap();
            entry.import.iter().for_each(|date| writeln!(text, "import = {date}").unwrap());
            entry.correction.iter().for_each(|reason| writeln!(text, "correction = \"{reason}\"").unwrap());
            text.push('\n');
        }
        text += "[intake]\nkind = \"snapshot\"\n\n[intake.columns]\nauthority = \"Behörde\"\nperiod = \"Berichtsmonat\"\nnil = \"Fehlanzeige\"\n";
        for duty in &self.duties {
            for part in &duty.parts {
                writeln!(text, "\"{}.{part}\" = \"{}-{part}\"", duty.id, duty.id).unwrap();
            }
        }
        text
    }
}

impl Duty {
    fn write(&self, text: &mut String) {
        let parts: Vec<String> =
            self.parts.iter().map(|part| format!("{{ id = \"{part}\", title = \"Teil {part}\" }}")).collect();
        let (period, deadline) = match self.deadline {
            Deadline::Window { working_days, counts_import_day } => (
                "cycle-month",
                format!("working_days = {working_days}, after = \"import\", count_import_day = {counts_import_day}"),
            ),
            Deadline::Day { day, on_free_day } => {
                ("previous-month", format!("day = {day}, on_free_day = \"{on_free_day}\""))
            }
        };
        let id = self.id;
        write!(
            text,
            "[[duty]]\nid = \"{id}\"\ntitle = \"Meldung {id}\"\nmodule = \"Modul {id}\"\nperiod = \"{period}\"\n\
             parts = [{}]\ndeadline = {{ {deadline} }}\n\n",
            parts.join(", ")
        )
        .unwrap();
        for Step { id, kind, base, working_days, offset, time, to } in &self.steps {
            let unit = if *working_days { "working_days" } else { "days" };
            let to: Vec<String> = to.iter().map(|audience| format!("\"{audience}\"")).collect();
            write!(
                text,
                "[[duty.step]]\nid = \"{id}\"\nkind = \"{kind}\"\n\
                 at = {{ from = \"{base}\", {unit} = {offset}, time = \"{}\" }}\nto = [{}]\n\n",
                time.format("%H:%M"),
                to.join(", ")
            )
            .unwrap();
        }
    }
}

fn shown(date: Option<NaiveDate>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

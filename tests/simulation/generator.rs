//! Makes lands and changes them, by dice alone. Never makes one that fristd would refuse: what it refuses other tests ask.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use fristd::domain::Month;

use super::dice::Dice;
use super::land::{Authority, Contact, Deadline, Duty, Entry, Import, Land, Step};

const DISTRICTS: [&str; 3] = ["koeln", "detmold", "arnsberg"];
const NAMES: [&str; 6] = ["Aldorfix", "Bemmerau", "Culmstedt", "Dorvenich", "Elzbruch", "Fohrenau"];

/// A land to begin with.
pub fn land(dice: &mut Dice) -> Land {
    let is_every_day_worked = dice.one_in(4);
    let is_around_the_clock = is_every_day_worked && dice.one_in(2);
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    let sending = if is_around_the_clock { (time(0, 0), time(23, 59)) } else { (time(7, 0), time(18, 0)) };
    let authorities = authorities(dice);
    let contacts = contacts(dice, &authorities);
    let step_time = match dice.below(5) {
        _ if is_around_the_clock => time(2, 30),
        // what is on its way when the hours end must not go
        0 => time(17, 57),
        _ => time(8, 0),
    };
    let mut duties = Vec::new();
    let has_both = dice.one_in(3);
    if has_both || dice.one_in(2) {
        duties.push(planning(dice, step_time));
    }
    if has_both || duties.is_empty() {
        duties.push(statistics(dice, step_time));
    }
    Land {
        is_every_day_worked,
        sending,
        import: if dice.one_in(2) {
            Import::WorkingDay(dice.between(1, 4) as u32)
        } else {
            Import::Day(dice.between(1, 8) as u32)
        },
        waits_for_signal: dice.one_in(6),
        authorities,
        contacts,
        duties,
        entries: if is_around_the_clock { imports_on_nights_of_the_clock_change() } else { BTreeMap::new() },
        notices_a_tick_max: if dice.one_in(8) { dice.between(1, 6) as usize } else { 1000 },
        holds_uncertain: dice.one_in(5),
        mails_a_minute: dice.one_in(6).then(|| dice.between(1, 8) as u32),
    }
}

/// Data are imported on the last Sundays of March and October, so that what is said at 02:30 meets the gap and the hour twice.
fn imports_on_nights_of_the_clock_change() -> BTreeMap<Month, Entry> {
    const FIRST_YEAR: i32 = 2025; // as worlds begin, to the last in which one ends
    const LAST_YEAR: i32 = 2032;
    let months = (FIRST_YEAR..=LAST_YEAR).flat_map(|year| [(year, 3), (year, 10)]);
    let sunday = |(year, month)| {
        let days = (25..=31).filter_map(move |day| NaiveDate::from_ymd_opt(year, month, day));
        days.filter(|day| day.weekday() == Weekday::Sun)
            .map(|day| (Month::of(day), Entry { import: Some(day), correction: None }))
    };
    months.flat_map(sunday).collect()
}

fn authorities(dice: &mut Dice) -> Vec<Authority> {
    let count = dice.between(2, 4) as usize;
    let authority = |index: usize, dice: &mut Dice| Authority {
        id: format!("abh-{}", NAMES[index].to_lowercase()),
        name: NAMES[index].to_owned(),
        district: DISTRICTS[dice.below(if count > 2 { 3 } else { 2 })],
        valid_to: None,
        reported_by: None,
    };
    (0..count).map(|index| authority(index, dice)).collect()
}

fn contacts(dice: &mut Dice, authorities: &[Authority]) -> Vec<Contact> {
    let contact = |owner: &str, mailbox: String| Contact { owner: owner.to_owned(), mailbox, from: None, to: None };
    let mut contacts = Vec::new();
    for (index, authority) in authorities.iter().enumerate() {
        // one mailbox in five serves the neighbour as well (N4)
        match index > 0 && dice.one_in(5) {
            true => contacts.push(contact(&authority.id, format!("a@{}.example", authorities[index - 1].id))),
            false => contacts.push(contact(&authority.id, format!("a@{}.example", authority.id))),
        }
        if dice.one_in(4) {
            contacts.push(contact(&authority.id, format!("b@{}.example", authority.id)));
        }
    }
    let districts: std::collections::BTreeSet<&str> = authorities.iter().map(|authority| authority.district).collect();
    for district in districts {
        contacts.push(contact(&format!("rrk-{district}"), format!("rrk@{district}.example")));
    }
    contacts.push(contact("zrk", "zrk@zrk.example".to_owned()));
    if dice.one_in(3) {
        contacts.push(contact("zfa", "zfa@zfa.example".to_owned()));
    }
    contacts
}

fn planning(dice: &mut Dice, time: NaiveTime) -> Duty {
    let deadline = Deadline::Window { working_days: dice.between(4, 10) as u32, counts_import_day: dice.one_in(4) };
    let mut to = vec!["users"];
    if dice.one_in(3) {
        to.extend(["rrk", "zfa"]);
    }
    let announcement = step("announcement", "announcement", "import", 0, time, to);
    let mut steps = vec![announcement];
    steps.extend(ladder(dice, "end", time));
    Duty { id: "planning", deadline, parts: vec!["confirmation"], steps }
}

fn statistics(dice: &mut Dice, time: NaiveTime) -> Duty {
    let on_free_day = ["next", "keep", "previous"][dice.below(3)];
    let deadline = Deadline::Day { day: dice.between(10, 20) as u32, on_free_day };
    let mut steps = Vec::new();
    if dice.one_in(2) {
        steps.push(step("announcement", "announcement", "import", 0, time, vec!["users"]));
    }
    steps.extend(ladder(dice, "stated", time));
    Duty { id: "statistics", deadline, parts: vec!["funded", "unfunded"], steps }
}

fn ladder(dice: &mut Dice, reminded_from: &'static str, time: NaiveTime) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, offset) in [-5, -3, -1, 0].into_iter().enumerate() {
        if dice.one_in(2) {
            let mut reminder =
                step(&format!("reminder-{index}"), "reminder", reminded_from, offset, time, vec!["missing"]);
            reminder.working_days = !dice.one_in(5);
            steps.push(reminder);
        }
    }
    // two on one day, the second soon after the first: while the first are on their way the second takes its place
    if dice.one_in(3) {
        let soon = time + chrono::TimeDelta::minutes(dice.between(1, 8));
        steps.push(step("reminder-at-once", "reminder", "end", -1, time, vec!["missing"]));
        steps.push(step("reminder-soon-after", "reminder", "end", -1, soon, vec!["missing"]));
    }
    if dice.one_in(2) {
        steps.push(step("overdue", "overdue", "end", 1, time, vec!["missing"]));
    }
    let escalations = dice.below(3) as i32;
    for number in 0..escalations {
        let offset = 2 + 5 * number;
        steps.push(step(&format!("escalation-{number}"), "escalation", "end", offset, time, vec!["rrk"]));
        if dice.one_in(2) {
            steps.push(step(&format!("summary-{number}"), "summary", "end", offset, time, vec!["zrk"]));
        }
    }
    steps
}

fn step(id: &str, kind: &'static str, base: &'static str, offset: i32, time: NaiveTime, to: Vec<&'static str>) -> Step {
    Step { id: id.to_owned(), kind, base, working_days: true, offset, time, to }
}

/// Edits the files as the ZRK might in the middle of a month. Returns what was done, in words.
pub fn edit(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    match dice.below(10) {
        0..=3 => move_import(land, dice, today),
        4 => add_contact(land, dice, today),
        5 => end_contact(land, dice, today),
        6 => exchange_contact(land, dice, today),
        7 => merge(land, dice, today),
        8 => {
            land.notices_a_tick_max = if land.notices_a_tick_max < 1000 { 1000 } else { dice.between(1, 6) as usize };
            format!("guard at {}", land.notices_a_tick_max)
        }
        _ => {
            let hours: u32 = dice.between(7, 10) as u32;
            let is_open_all_day = land.sending.0 == NaiveTime::MIN;
            if !is_open_all_day {
                land.sending.0 = NaiveTime::from_hms_opt(hours, 0, 0).unwrap();
            }
            format!("sending from {}", land.sending.0)
        }
    }
}

/// Another import date, with a reason or without one (F5).
fn move_import(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    let month = if dice.one_in(5) { Month::of(today).next() } else { Month::of(today) };
    let import = month.day(dice.between(1, 20) as u32);
    let has_reason = !dice.one_in(3);
    let count = land.entries.values().filter(|entry| entry.correction.is_some()).count();
    let correction = has_reason.then(|| format!("Grund {} {}", count + 1, dice.below(1000)));
    let words = format!("cycle {month}: import {import:?}, correction {correction:?}");
    land.entries.insert(month, Entry { import, correction });
    words
}

fn add_contact(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    let owner = dice.pick(&land.authorities).unwrap().id.clone();
    let mailbox = format!("n{}@{owner}.example", dice.below(1_000_000));
    let from = if dice.one_in(2) { None } else { today.checked_add_days(Days::new(dice.below(12) as u64)) };
    let words = format!("contact {mailbox} from {from:?}");
    land.contacts.push(Contact { owner, mailbox, from, to: None });
    words
}

fn end_contact(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    let of_authorities: Vec<usize> =
        (0..land.contacts.len()).filter(|index| !Land::is_office(&land.contacts[*index].owner)).collect();
    let Some(index) = dice.pick(&of_authorities).copied() else { return "nothing".to_owned() };
    let contact = &mut land.contacts[index];
    let day = today + Days::new(dice.below(12) as u64);
    if contact.from.is_none_or(|from| from <= day) && contact.to.is_none() {
        contact.to = Some(day);
    }
    format!("contact {} to {:?}", contact.mailbox, contact.to)
}

/// An authority gets another mailbox from today on; the old one is taken from the list.
fn exchange_contact(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    let of_authorities: Vec<usize> =
        (0..land.contacts.len()).filter(|index| !Land::is_office(&land.contacts[*index].owner)).collect();
    let Some(index) = dice.pick(&of_authorities).copied() else { return "nothing".to_owned() };
    let gone = land.contacts.remove(index);
    let mailbox = format!("x{}@{}.example", dice.below(1_000_000), gone.owner);
    let words = format!("contact {} becomes {mailbox} on {today}", gone.mailbox);
    land.contacts.push(Contact { owner: gone.owner, mailbox, from: None, to: None });
    words
}

/// One authority ends and another reports for it from then on.
fn merge(land: &mut Land, dice: &mut Dice, today: NaiveDate) -> String {
    let valid: Vec<usize> =
        (0..land.authorities.len()).filter(|index| land.authorities[*index].valid_to.is_none()).collect();
    if valid.len() < 3 || land.authorities.iter().any(|authority| authority.valid_to.is_some()) {
        return "nothing".to_owned();
    }
    let place = dice.below(valid.len());
    let reporter = land.authorities[valid[(place + 1) % valid.len()]].id.clone();
    let ends = &mut land.authorities[valid[place]];
    ends.valid_to = today.checked_add_days(Days::new(dice.below(20) as u64));
    ends.reported_by = Some(reporter);
    format!("{} ends on {:?}", ends.id, ends.valid_to)
}

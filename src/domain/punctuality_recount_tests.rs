//! Punctuality against a recount in the most stupid way: by the words of `docs/punctuality.md`, day by day and receipt by receipt,
//! with nothing of the code that it checks.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::super::past::{Known, PastCycle};
use super::super::test_support::{authority, day, month};
use super::super::{Authority, District, Receipt, ReceiptState, Roster};
use super::{HalfDays, Mark, punctuality};

/// A mark and the days, as recounted.
type Recounted = (Mark, Option<i64>);

const AUTHORITIES: usize = 4;
const FIRST: &str = "2026-07"; // so that drawn months cross a new year and both changes of the clock
const DAYS_OF_A_CYCLE: i64 = 75; // from the cycle's first day to well after its close

/// A receipt as drawn: whom, what, until which day of the cycle, when reported, and how many hours later recorded.
#[derive(Clone, Debug)]
struct DrawnReceipt {
    authority: usize,
    state: usize,
    until: i64,
    reported_hour: i64,
    delay_hours: i64,
}

/// A month as drawn: what is known of it, its last day, how many days later it closes, and its receipts.
#[derive(Clone, Debug)]
struct DrawnMonth {
    known: usize,
    last_day: u64,
    closes_after: u64,
    receipts: Vec<DrawnReceipt>,
}

/// An authority as drawn: district, first and last day as days from the first month's, and who reports for it.
#[derive(Clone, Debug)]
struct DrawnAuthority {
    district: usize,
    from: Option<i64>,
    to: Option<i64>,
    is_reported: bool,
}

fn drawn_receipt() -> impl Strategy<Value = DrawnReceipt> {
    let hours = 0..DAYS_OF_A_CYCLE * 24;
    // most are recorded at once, some weeks later
    let delay = prop_oneof![3 => Just(0), 1 => 0..40 * 24i64];
    (0..AUTHORITIES, 0..8usize, 5..DAYS_OF_A_CYCLE, hours, delay).prop_map(
        |(authority, state, until, reported_hour, delay_hours)| DrawnReceipt {
            authority,
            state,
            until,
            reported_hour,
            delay_hours,
        },
    )
}

fn drawn_months() -> impl Strategy<Value = Vec<DrawnMonth>> {
    let receipts = prop::collection::vec(drawn_receipt(), 0..14);
    let one = (0..10usize, 10..20u64, 0..35u64, receipts)
        .prop_map(|(known, last_day, closes_after, receipts)| DrawnMonth { known, last_day, closes_after, receipts });
    prop::collection::vec(one, 1..10)
}

fn drawn_authorities() -> impl Strategy<Value = Vec<DrawnAuthority>> {
    let bound = || prop::option::weighted(0.2, -20..300i64);
    let one = (0..2usize, bound(), bound(), prop::bool::weighted(0.15));
    let one = one.prop_map(|(district, from, to, is_reported)| DrawnAuthority { district, from, to, is_reported });
    prop::collection::vec(one, AUTHORITIES)
}

fn id(number: usize) -> String {
    format!("a{number}")
}

fn roster(drawn: &[DrawnAuthority]) -> Roster {
    let start = day(&format!("{FIRST}-01"));
    let one = |(number, drawn): (usize, &DrawnAuthority)| Authority {
        valid_from: drawn.from.map(|days| start + TimeDelta::days(days)),
        valid_to: drawn.to.map(|days| start + TimeDelta::days(days)),
        reported_by: drawn.is_reported.then(|| "somebody".into()),
        ..authority(&id(number), District::ALL[drawn.district])
    };
    Roster::new(drawn.iter().enumerate().map(one).collect(), Vec::new(), Vec::new())
}

fn state(number: usize, until: NaiveDate) -> ReceiptState {
    let reason = String::from("x");
    match number {
        0 => ReceiptState::Missing,
        1 => ReceiptState::Partial { missing: vec!["p".into()] },
        2 | 3 => ReceiptState::Complete,
        4 => ReceiptState::Nil,
        5 => ReceiptState::Excused { reason },
        6 => ReceiptState::Extended { until, reason },
        _ => ReceiptState::Exempt { reason },
    }
}

fn known(index: usize, drawn: &DrawnMonth) -> Known {
    match drawn.known {
        0 => return Known::Nothing,
        1 => return Known::Ahead,
        _ => {}
    }
    let first_day = month(FIRST).plus(index as i32).first_day();
    let midnight = first_day.and_hms_opt(0, 0, 0).unwrap().and_utc();
    let ends_on = first_day + Days::new(drawn.last_day - 1);
    let mut receipts: HashMap<_, Vec<Receipt>> = HashMap::new();
    for drawn in &drawn.receipts {
        let reported_at = midnight + TimeDelta::hours(drawn.reported_hour);
        receipts.entry(id(drawn.authority).into()).or_default().push(Receipt {
            authority: id(drawn.authority).into(),
            state: state(drawn.state, first_day + TimeDelta::days(drawn.until)),
            source: "drawn".into(),
            actor: "test".into(),
            note: None,
            received_at: reported_at + TimeDelta::hours(drawn.delay_hours),
            reported_at,
        });
    }
    let closes_on = ends_on + Days::new(drawn.closes_after + 1);
    let closes_at = closes_on.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(Berlin).unwrap().to_utc();
    Known::Told(PastCycle { month: month(FIRST).plus(index as i32), ends_on, closes_at, receipts })
}

fn local_day(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&Berlin).date_naive()
}

/// What was said last, an extension aside.
fn last_said<'a>(receipts: &[&'a Receipt]) -> Option<&'a Receipt> {
    let mut said = None;
    for receipt in receipts {
        if !matches!(receipt.state, ReceiptState::Extended { .. }) {
            said = Some(*receipt);
        }
    }
    said
}

/// The last extension after which nothing was taken back.
fn extension(receipts: &[&Receipt]) -> Option<NaiveDate> {
    let mut found = None;
    for receipt in receipts {
        match receipt.state {
            ReceiptState::Extended { until, .. } => found = Some(until),
            ReceiptState::Missing => found = None,
            _ => {}
        }
    }
    found
}

fn is_report(receipt: &Receipt) -> bool {
    matches!(receipt.state, ReceiptState::Complete | ReceiptState::Nil)
}

/// The day of the first of the reports that stand unbroken at the end; none if no report stands there.
fn day_of_report(receipts: &[&Receipt]) -> Option<NaiveDate> {
    let mut first = None;
    for receipt in receipts {
        match receipt.state {
            ReceiptState::Extended { .. } => {}
            _ if is_report(receipt) && first.is_some() => {}
            _ if is_report(receipt) => first = Some(local_day(receipt.reported_at)),
            _ => first = None,
        }
    }
    first
}

/// The mark and the days of one authority's month.
fn recount(known: &Known, of: &Authority, now: DateTime<Utc>) -> Recounted {
    let Known::Told(cycle) = known else {
        return (if matches!(known, Known::Nothing) { Mark::Unknown } else { Mark::Ahead }, None);
    };
    let is_before = of.valid_from.is_some() && of.valid_from.unwrap() > cycle.ends_on;
    let is_after = of.valid_to.is_some() && of.valid_to.unwrap() < cycle.ends_on;
    if is_before || is_after || (of.reported_by.is_some() && of.valid_to.is_none()) {
        return (Mark::NotOwing, None);
    }
    let is_closed = now >= cycle.closes_at;
    let as_of = if is_closed { cycle.closes_at } else { now };
    let none = Vec::new();
    let all = cycle.receipts.get(&of.id).unwrap_or(&none);
    let heard: Vec<&Receipt> = all.iter().filter(|receipt| receipt.received_at <= as_of).collect();
    let said = last_said(&heard);
    if said.is_some_and(|said| matches!(said.state, ReceiptState::Exempt { .. })) {
        return (Mark::Exempt, None);
    }
    if local_day(now) <= cycle.ends_on {
        return (Mark::Open, None);
    }
    let reported_by = |last: NaiveDate| -> Vec<&Receipt> {
        heard.iter().copied().filter(|receipt| local_day(receipt.reported_at) <= last).collect()
    };
    // day by day: as long as an extension stood at the end of a day, there was a next one
    let mut last_day = cycle.ends_on;
    while extension(&reported_by(last_day)).is_some_and(|until| until > last_day) {
        last_day = last_day.succ_opt().unwrap();
        // an extension that stands at the end of its predecessor counts whole, whatever is said while it runs
        let granted = extension(&reported_by(last_day.pred_opt().unwrap())).unwrap();
        while last_day < granted {
            last_day = last_day.succ_opt().unwrap();
        }
    }
    let told = last_day;
    for receipt in &heard {
        if let ReceiptState::Extended { until, .. } = receipt.state
            && local_day(receipt.reported_at) > told
            && until > last_day
        {
            last_day = until;
        }
    }
    let at_the_end = reported_by(last_day);
    let was_settled = last_said(&at_the_end)
        .is_some_and(|said| !matches!(said.state, ReceiptState::Missing | ReceiptState::Partial { .. }));
    let is_over = local_day(as_of) > last_day;
    let days = |reported: Option<NaiveDate>| reported.map(|reported| (reported - last_day).num_days());
    let Some(said) = said.filter(|said| !matches!(said.state, ReceiptState::Missing | ReceiptState::Partial { .. }))
    else {
        let runs = extension(&heard).is_some_and(|until| local_day(as_of) <= until);
        return match (runs, is_closed) {
            (true, _) => (Mark::Extended, None),
            (false, true) => (Mark::Missed, None),
            (false, false) if is_over && !was_settled => (Mark::Overdue, None),
            (false, false) => (Mark::Open, None),
        };
    };
    if was_settled {
        let mark = match said.state {
            ReceiptState::Complete => Mark::InTime,
            ReceiptState::Nil => Mark::Nil,
            _ => Mark::Excused,
        };
        return (mark, days(day_of_report(&at_the_end)));
    }
    (Mark::Late, days(day_of_report(&heard)))
}

/// Of each stretch of months whether all of it is so; the length of the longest.
fn longest(months: usize, is_so: impl Fn(usize) -> bool) -> u32 {
    let mut longest = 0;
    for from in 0..months {
        for to in from..months {
            if (from..=to).all(&is_so) {
                longest = longest.max(to - from + 1);
            }
        }
    }
    longest as u32
}

/// Takes the smallest and the largest away until one or two are left; twice their middle.
fn median(mut days: Vec<i64>) -> Option<HalfDays> {
    while days.len() > 2 {
        let smallest = *days.iter().min().unwrap();
        days.remove(days.iter().position(|one| *one == smallest).unwrap());
        let largest = *days.iter().max().unwrap();
        days.remove(days.iter().position(|one| *one == largest).unwrap());
    }
    match days[..] {
        [] => None,
        [one] => Some(HalfDays(2 * one)),
        _ => Some(HalfDays(days[0] + days[1])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn figures_are_those_of_a_naive_recount(
        authorities in drawn_authorities(),
        months in drawn_months(),
        now_hours in 0..330 * 24i64,
    ) {
        let roster = roster(&authorities);
        let knowledge: Vec<Known> = months.iter().enumerate().map(|(index, drawn)| known(index, drawn)).collect();
        let now = day(&format!("{FIRST}-01")).and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::hours(now_hours);
        let judged = punctuality(month(FIRST), &knowledge, &roster, now, Berlin);
        let recounted: Vec<(&Authority, Vec<Recounted>)> = roster
            .authorities()
            .iter()
            .map(|authority| (authority, knowledge.iter().map(|known| recount(known, authority, now)).collect()))
            .collect();
        let is_told = |index: usize| matches!(knowledge[index], Known::Told(_));
        let any_told = (0..months.len()).any(is_told);
        let mut lines = judged.authorities.iter();
        let mut shown = Vec::new();
        for (authority, cells) in &recounted {
            let owed = (0..months.len()).any(|index| is_told(index) && cells[index].0 != Mark::NotOwing);
            if any_told && !owed {
                prop_assert!(judged.owed_nothing.contains(&authority.id));
                continue;
            }
            let line = lines.next().expect("a line for each who owed");
            prop_assert_eq!(&line.id, &authority.id);
            let found: Vec<_> = line.cells.iter().map(|cell| (cell.mark, cell.days.map(i64::from))).collect();
            prop_assert_eq!(&found, cells, "{} at {}: {:?}", authority.id, now, knowledge);
            shown.push((*authority, cells.clone()));
        }
        prop_assert!(lines.next().is_none());
        let check = |label: &str, figures: &super::Figures, who: &dyn Fn(&Authority) -> bool, only: Option<usize>| {
            let rows: Vec<&Vec<Recounted>> =
                shown.iter().filter(|(authority, _)| who(authority)).map(|(_, cells)| cells).collect();
            let wanted: Vec<usize> = (0..months.len()).filter(|index| only.is_none_or(|only| only == *index)).collect();
            let mut days = Vec::new();
            let (mut all, mut good) = (0, 0);
            for mark in Mark::ALL {
                let count = rows.iter().flat_map(|row| wanted.iter().map(|index| row[*index].0)).filter(|m| *m == mark);
                prop_assert_eq!(figures.count(mark), count.count() as u32, "{} {:?}", label, mark);
            }
            for row in &rows {
                for index in &wanted {
                    days.extend(row[*index].1);
                    match row[*index].0 {
                        Mark::InTime | Mark::Nil | Mark::Excused => (all, good) = (all + 1, good + 1),
                        Mark::Late | Mark::Missed | Mark::Overdue => all += 1,
                        _ => {}
                    }
                }
            }
            prop_assert_eq!((figures.judged(), figures.in_time()), (all, good), "{}", label);
            prop_assert_eq!(figures.median_days, median(days), "{}", label);
            let is_good = |month: usize| {
                let good = |mark| matches!(mark, Mark::InTime | Mark::Nil | Mark::Excused);
                let bad = |mark| matches!(mark, Mark::Late | Mark::Missed | Mark::Overdue);
                rows.iter().any(|row| good(row[wanted[month]].0)) && !rows.iter().any(|row| bad(row[wanted[month]].0))
            };
            let is_missed = |month: usize| rows.iter().any(|row| row[wanted[month]].0 == Mark::Missed);
            prop_assert_eq!(figures.longest_in_time, longest(wanted.len(), is_good), "{}", label);
            prop_assert_eq!(figures.longest_missed, longest(wanted.len(), is_missed), "{}", label);
            Ok(())
        };
        check("all", &judged.all, &|_| true, None)?;
        for (district, figures) in &judged.districts {
            check("a district", figures, &|authority| authority.district == *district, None)?;
        }
        let districts: std::collections::BTreeSet<District> = shown.iter().map(|(one, _)| one.district).collect();
        prop_assert_eq!(judged.districts.iter().map(|(one, _)| *one).collect::<Vec<_>>(), Vec::from_iter(districts));
        for line in &judged.authorities {
            check("an authority", &line.figures, &|authority| authority.id == line.id, None)?;
        }
        for (index, line) in judged.months.iter().enumerate() {
            prop_assert_eq!(line.month, month(FIRST).plus(index as i32));
            check("a month", &line.figures, &|_| true, Some(index))?;
        }
    }
}

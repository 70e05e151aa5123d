//! What templates can say of the state's standing. Never lists more than a mail can show; the rest is counted.

use std::cmp::Reverse;

use serde::Serialize;

use super::numerals::ordinal_dative;
use crate::domain::dates::Month;
use crate::domain::roster::District;
use crate::domain::summary::{Outstanding, Summary, Tally};
use crate::domain::words;

/// Authorities named in one district's list. No district of the state has a quarter as many; of thousands, whom a mail cannot
/// show any more, the first ones and a number say as much.
const NAMED_A_DISTRICT_MAX: usize = 100;
/// Authorities named as missing again and again, the longest first.
const REPEATED_NAMED_MAX: usize = 100;

#[derive(Serialize, Debug)]
pub(super) struct SummaryContext<'a> {
    districts: Vec<TallyContext>,
    total: TallyContext,
    outstanding_total: usize,
    months_known: u32,
    missing: Vec<DistrictLines<'a>>,
    unreachable: Vec<DistrictLines<'a>>,
    repeated: Vec<RepeatedLines<'a>>,
    repeated_total: usize,
    repeated_unnamed: usize,
    /// Where those stand that are not named: `fristd status 2026-12`.
    status_command: String,
}

impl<'a> SummaryContext<'a> {
    pub(super) fn of(summary: &'a Summary, month: Month) -> Self {
        let total = TallyContext::of("Gesamt", summary.districts.values().copied().fold(Tally::default(), add));
        let mut repeated = repeated(summary);
        let repeated_total = repeated.len();
        repeated.truncate(REPEATED_NAMED_MAX);
        Self {
            districts: summary
                .districts
                .iter()
                .map(|(district, tally)| TallyContext::of(district.in_words(), *tally))
                .collect(),
            outstanding_total: total.partial + total.missing,
            total,
            months_known: summary.months_known,
            missing: by_district(&summary.missing),
            unreachable: by_district(&summary.unreachable),
            repeated_total,
            repeated_unnamed: repeated_total - repeated.len(),
            repeated: by_times(&repeated),
            status_command: format!("fristd status {month}"),
        }
    }
}

#[derive(Serialize, Debug)]
struct TallyContext {
    name: &'static str,
    total: usize,
    complete: usize,
    late: usize,
    nil: usize,
    /// Excused or exempt.
    excused: usize,
    extended: usize,
    partial: usize,
    missing: usize,
    unreachable: usize,
}

impl TallyContext {
    fn of(name: &'static str, tally: Tally) -> Self {
        let Tally { total, complete, late, nil, excused, extended, partial, missing, unreachable } = tally;
        let excused = excused - extended;
        Self { name, total, complete, late, nil, excused, extended, partial, missing, unreachable }
    }
}

fn add(sum: Tally, one: Tally) -> Tally {
    Tally {
        total: sum.total + one.total,
        complete: sum.complete + one.complete,
        late: sum.late + one.late,
        nil: sum.nil + one.nil,
        excused: sum.excused + one.excused,
        extended: sum.extended + one.extended,
        partial: sum.partial + one.partial,
        missing: sum.missing + one.missing,
        unreachable: sum.unreachable + one.unreachable,
    }
}

#[derive(Serialize, Debug)]
struct DistrictLines<'a> {
    district: &'static str,
    authorities: Vec<OutstandingContext<'a>>,
    /// How many more there are.
    unnamed: usize,
}

#[derive(Serialize, Debug)]
struct OutstandingContext<'a> {
    name: &'a str,
    standing: String,
    reminders_delivered: u32,
    reminders_failed: u32,
}

fn by_district(lines: &[Outstanding]) -> Vec<DistrictLines<'_>> {
    let of_district = |district: District| {
        let all = || lines.iter().filter(|line| line.district == district);
        let named = all().take(NAMED_A_DISTRICT_MAX).map(|line| OutstandingContext {
            name: &line.name,
            standing: words::state_in_words(&line.standing.state),
            reminders_delivered: line.reminders_delivered,
            reminders_failed: line.reminders_failed,
        });
        let unnamed = all().count().saturating_sub(NAMED_A_DISTRICT_MAX);
        DistrictLines { district: district.in_words(), authorities: named.collect(), unnamed }
    };
    District::ALL.into_iter().map(of_district).filter(|group| !group.authorities.is_empty()).collect()
}

#[derive(Serialize, Debug)]
struct RepeatedLines<'a> {
    /// `dritten`, as in `zum dritten Mal`.
    times: String,
    authorities: Vec<RepeatedContext<'a>>,
}

#[derive(Serialize, Debug)]
struct RepeatedContext<'a> {
    name: &'a str,
    district: &'static str,
    is_unreachable: bool,
}

/// Those that are missing at least for the second time running, the longest first, with whether they cannot be reached.
fn repeated(summary: &Summary) -> Vec<(&Outstanding, bool)> {
    let missing = summary.missing.iter().map(|line| (line, false));
    let unreachable = summary.unreachable.iter().map(|line| (line, true));
    let mut repeated: Vec<_> = missing.chain(unreachable).filter(|(line, _)| line.missed_running > 1).collect();
    repeated.sort_by_key(|(line, _)| (Reverse(line.missed_running), line.district));
    repeated
}

fn by_times<'a>(repeated: &[(&'a Outstanding, bool)]) -> Vec<RepeatedLines<'a>> {
    let groups = repeated.chunk_by(|(one, _), (next, _)| one.missed_running == next.missed_running);
    let line = |(line, is_unreachable): &(&'a Outstanding, bool)| RepeatedContext {
        name: &line.name,
        district: line.district.in_words(),
        is_unreachable: *is_unreachable,
    };
    groups
        .map(|group| RepeatedLines {
            times: ordinal_dative(group[0].0.missed_running),
            authorities: group.iter().map(line).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::standing::Standing;

    fn outstanding(number: usize, district: District, missed_running: u32) -> Outstanding {
        Outstanding {
            district,
            authority: format!("abh-{number}").into(),
            name: format!("Stadt {number}"),
            standing: Standing::silent(),
            reminders_delivered: 1,
            reminders_failed: 0,
            missed_running,
        }
    }

    #[test]
    fn of_a_district_that_no_mail_can_show_the_first_are_named_and_the_others_counted() {
        let check = |count: usize, named: usize, unnamed: usize| {
            let lines: Vec<_> = (0..count).map(|number| outstanding(number, District::Koeln, 1)).collect();
            let groups = by_district(&lines);
            let found: Vec<_> = groups.iter().map(|group| (group.authorities.len(), group.unnamed)).collect();
            assert_eq!(found, [(named, unnamed)], "{count}");
        };
        check(1, 1, 0);
        check(NAMED_A_DISTRICT_MAX, NAMED_A_DISTRICT_MAX, 0);
        check(NAMED_A_DISTRICT_MAX + 1, NAMED_A_DISTRICT_MAX, 1);
        assert!(by_district(&[]).is_empty());
    }

    #[test]
    fn who_is_missing_longest_stands_first_and_the_unreachable_among_them() {
        let missing =
            [(1, District::Arnsberg, 2), (2, District::Koeln, 1), (3, District::Koeln, 5), (4, District::Muenster, 2)];
        let summary = Summary {
            missing: missing.map(|(number, district, running)| outstanding(number, district, running)).into(),
            unreachable: vec![outstanding(5, District::Detmold, 2)],
            ..Summary::default()
        };
        let context = SummaryContext::of(&summary, Month::parse("2026-12").unwrap());
        let told: Vec<_> = context
            .repeated
            .iter()
            .map(|group| {
                let names = group.authorities.iter().map(|line| (line.name, line.is_unreachable)).collect::<Vec<_>>();
                (group.times.as_str(), names)
            })
            .collect();
        let twice = vec![("Stadt 1", false), ("Stadt 5", true), ("Stadt 4", false)];
        assert_eq!(told, [("fünften", vec![("Stadt 3", false)]), ("zweiten", twice)]);
        assert_eq!((context.repeated_total, context.repeated_unnamed), (4, 0));
    }

    #[test]
    fn of_thousands_missing_again_the_longest_are_named() {
        let missing = (0..1_000).map(|number| outstanding(number, District::Koeln, 2 + number as u32 % 3)).collect();
        let summary = Summary { missing, ..Summary::default() };
        let context = SummaryContext::of(&summary, Month::parse("2026-12").unwrap());
        assert_eq!((context.repeated_total, context.repeated_unnamed), (1_000, 900));
        assert_eq!(context.repeated.len(), 1, "all that are named miss the fourth time");
        assert_eq!(context.status_command, "fristd status 2026-12");
    }
}

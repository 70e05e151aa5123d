//! What templates can say of authorities that have been missing for months, in German words. Never counts anything itself.

use serde::Serialize;

use super::report_context::standing_in_words;
use crate::domain::Letter;
use crate::domain::roster::District;
use crate::domain::summary::{LongSilence, Outstanding};

/// The authorities that a long silence names.
#[derive(Serialize, Debug)]
pub(super) struct SilenceContext<'a> {
    /// From how many months running on it names an authority.
    cycles: u32,
    total: usize,
    districts: Vec<DistrictContext<'a>>,
    unreachable_total: usize,
    unreachable: Vec<DistrictContext<'a>>,
}

impl<'a> SilenceContext<'a> {
    pub(super) fn of(silence: &'a LongSilence, letter: &'a Letter) -> Self {
        Self {
            cycles: silence.cycles,
            total: silence.missing.len() + silence.unreachable.len(),
            districts: by_district(&silence.missing, letter),
            unreachable_total: silence.unreachable.len(),
            unreachable: by_district(&silence.unreachable, letter),
        }
    }
}

#[derive(Serialize, Debug)]
struct DistrictContext<'a> {
    district: &'static str,
    authorities: Vec<SilentContext<'a>>,
}

#[derive(Serialize, Debug)]
struct SilentContext<'a> {
    name: &'a str,
    standing: String,
    months: u32,
    /// The first month of the run: `September 2026`.
    since: String,
    reminders_delivered: u32,
    reminders_failed: u32,
}

fn by_district<'a>(lines: &'a [Outstanding], letter: &'a Letter) -> Vec<DistrictContext<'a>> {
    let of = |district| lines.iter().filter(move |line| line.district == district);
    District::ALL
        .into_iter()
        .map(|district| DistrictContext {
            district: district.in_words(),
            authorities: of(district).map(|line| SilentContext::of(line, letter)).collect(),
        })
        .filter(|group| !group.authorities.is_empty())
        .collect()
}

impl<'a> SilentContext<'a> {
    fn of(line: &'a Outstanding, letter: &'a Letter) -> Self {
        let period = letter.matter.as_ref().map_or(letter.month, |matter| matter.period);
        Self {
            name: &line.name,
            standing: standing_in_words(&line.standing, letter),
            months: line.missed_running,
            since: period.plus(1 - line.missed_running.max(1) as i32).in_words(),
            reminders_delivered: line.reminders_delivered,
            reminders_failed: line.reminders_failed,
        }
    }
}

//! How long one deadline takes, bare and with its derivation, beside a naive walk through the same days.

use std::hint::black_box;

use chrono::{Days, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};
use fristd::domain::Calendar;
use fristd::domain::window::{derive, last_day};
use fristd::settings::shipped_calendar;

fn calendar() -> Calendar {
    shipped_calendar("nrw").expect("it is shipped").expect("it is valid")
}

fn import() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, 17).expect("a date")
}

/// What one would write first: a day at a time, each looked up.
fn naive(calendar: &Calendar, import: NaiveDate, working_days: u32) -> NaiveDate {
    let (mut day, mut left) = (import, working_days);
    while left > 0 {
        day = day + Days::new(1);
        left -= u32::from(calendar.is_working(day));
    }
    day
}

fn deadlines(criterion: &mut Criterion) {
    let calendar = calendar();
    for working_days in [10, 250] {
        let mut group = criterion.benchmark_group(format!("deadline after {working_days} working days"));
        group.bench_function("table", |bench| {
            bench.iter(|| last_day(&calendar, black_box(import()), working_days, false))
        });
        group.bench_function("with its derivation", |bench| {
            bench.iter(|| derive(&calendar, black_box(import()), working_days, false));
        });
        group.bench_function("naive walk", |bench| bench.iter(|| naive(&calendar, black_box(import()), working_days)));
        group.finish();
    }
    criterion
        .bench_function("load a calendar from 1995 to 2100", |bench| bench.iter(|| shipped_calendar(black_box("nrw"))));
}

criterion_group!(benches, deadlines);
criterion_main!(benches);

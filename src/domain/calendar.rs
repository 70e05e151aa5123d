//! Which days count as working days, and why a day does not. Never reads files; `settings` does.

use std::collections::HashMap;
use std::fmt;

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use holiday_de::{GermanHoliday, GermanRegion};

use super::dates::{FIRST_YEAR, LAST_YEAR, weekday_in_words};

/// The German states by their ISO 3166-2 code.
const LANDS: [(&str, GermanRegion); 16] = [
    ("BW", GermanRegion::BadenWuerttemberg),
    ("BY", GermanRegion::Bayern),
    ("BE", GermanRegion::Berlin),
    ("BB", GermanRegion::Brandenburg),
    ("HB", GermanRegion::Bremen),
    ("HH", GermanRegion::Hamburg),
    ("HE", GermanRegion::Hessen),
    ("MV", GermanRegion::MechlenburgVorpommern),
    ("NI", GermanRegion::Niedersachsen),
    ("NW", GermanRegion::NordrheinWestfalen),
    ("RP", GermanRegion::RheinlandPfalz),
    ("SL", GermanRegion::Saarland),
    ("SN", GermanRegion::Sachsen),
    ("ST", GermanRegion::SachsenAnhalt),
    ("SH", GermanRegion::SchleswigHolstein),
    ("TH", GermanRegion::Thueringen),
];

/// A state whose public holidays a calendar takes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Land(GermanRegion);

impl Land {
    /// Reads an ISO 3166-2 code without `DE-`, for example `NW`.
    pub fn parse(code: &str) -> Option<Self> {
        LANDS.iter().find(|(known, _)| *known == code).map(|(_, region)| Self(*region))
    }

    /// All sixteen codes, for complaints.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        LANDS.iter().map(|(code, _)| *code)
    }
}

/// When an exception applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// On one date.
    On(NaiveDate),
    /// Every year on a day of a month; 29 February only in leap years.
    Yearly {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
    },
    /// Every year, `days` after Easter Sunday (negative: before).
    Easter {
        /// Days after Easter Sunday.
        days: i64,
    },
}

/// A day that a calendar file closes, or takes away from the closed ones, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Which day or days.
    pub when: When,
    /// The reason, as it is shown in a derivation.
    pub why: String,
    /// First year in which a yearly exception applies.
    pub first_year: Option<i32>,
    /// Last year in which a yearly exception applies.
    pub last_year: Option<i32>,
}

impl Exception {
    fn dates(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        let first = self.first_year.unwrap_or(FIRST_YEAR).max(FIRST_YEAR);
        let last = self.last_year.unwrap_or(LAST_YEAR).min(LAST_YEAR);
        (first..=last).filter_map(move |year| match self.when {
            When::On(date) => (date.year() == year).then_some(date),
            When::Yearly { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            When::Easter { days } => {
                easter_sunday(year).and_then(|sunday| sunday.checked_add_signed(TimeDelta::days(days)))
            }
        })
    }
}

/// What a calendar file says (K2), checked for its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarSpec {
    /// The name by which settings call it, for example `nrw`.
    pub name: String,
    /// One line on what it is.
    pub title: String,
    /// Monday to Sunday: which weekdays are worked.
    pub working_week: [bool; 7],
    /// Whose public holidays are free.
    pub land: Option<Land>,
    /// Days closed besides.
    pub closed: Vec<Exception>,
    /// Public holidays or closed days that are worked after all. A day outside the working week stays free.
    pub opened: Vec<Exception>,
}

/// A calendar with every day from 1995 to 2100 decided, so that counting is a table look-up.
#[derive(Clone, Debug)]
pub struct Calendar {
    spec: CalendarSpec,
    /// All working days in order.
    working_days: Vec<NaiveDate>,
    /// For each day since 1 January 1995: how many working days there are up to and including it.
    rank: Vec<u32>,
    /// Holidays and closed days, with the reason. Days outside the working week stand here only if they have one.
    reasons: HashMap<NaiveDate, String>,
}

/// Why a calendar gives no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarError {
    /// A date that no calendar covers.
    OutOfRange {
        /// The date asked for.
        date: NaiveDate,
    },
    /// The table ends before the count does.
    TooFew {
        /// The calendar's name.
        calendar: String,
        /// From where it was counted.
        base: NaiveDate,
        /// How many were to be counted.
        wanted: u32,
        /// `after` or `before`.
        direction: &'static str,
    },
    /// A calendar in which a whole year is free: nothing could ever be due.
    ClosedYear {
        /// The calendar's name.
        calendar: String,
        /// The first such year.
        year: i32,
    },
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { date } => {
                write!(f, "{date} lies outside {FIRST_YEAR} to {LAST_YEAR}, the years that calendars cover")
            }
            Self::TooFew { calendar, base, wanted, direction } => write!(
                f,
                "calendar {calendar:?}: working day {wanted} {direction} {base} lies outside {FIRST_YEAR} to {LAST_YEAR}, the \
                 years that calendars cover"
            ),
            Self::ClosedYear { calendar, year } => {
                write!(f, "calendar {calendar:?} closes every day of {year}; each year needs a working day")
            }
        }
    }
}

impl std::error::Error for CalendarError {}

impl Calendar {
    /// Decides every day. Fails if a year has no working day at all.
    ///
    /// ```
    /// use fristd::domain::calendar::{Calendar, CalendarSpec, Land};
    /// let nrw = Calendar::new(CalendarSpec {
    ///     name: "nrw".into(),
    ///     title: "Montag bis Freitag".into(),
    ///     working_week: [true, true, true, true, true, false, false],
    ///     land: Land::parse("NW"),
    ///     closed: vec![],
    ///     opened: vec![],
    /// })
    /// .unwrap();
    /// let import = "2026-12-17".parse().unwrap();
    /// assert_eq!(nrw.nth_after(import, 10).unwrap().to_string(), "2027-01-04");
    /// assert_eq!(nrw.why_free("2026-12-25".parse().unwrap()).as_deref(), Some("1. Weihnachtstag"));
    /// ```
    pub fn new(spec: CalendarSpec) -> Result<Self, CalendarError> {
        let reasons = reasons(&spec);
        let mut working_days = Vec::new();
        let mut rank = Vec::new();
        let mut worked_before_year = 0;
        for date in first_day().iter_days().take_while(|date| date.year() <= LAST_YEAR) {
            if in_week(&spec, date) && !reasons.contains_key(&date) {
                working_days.push(date);
            }
            rank.push(working_days.len() as u32);
            if date.month() == 12 && date.day() == 31 {
                if working_days.len() == worked_before_year {
                    return Err(CalendarError::ClosedYear { calendar: spec.name, year: date.year() });
                }
                worked_before_year = working_days.len();
            }
        }
        Ok(Self { spec, working_days, rank, reasons })
    }

    /// The name by which settings call it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// One line on what it is.
    pub fn title(&self) -> &str {
        &self.spec.title
    }

    /// The same public holidays with Monday to Saturday worked and nothing closed besides: what 'Werktag' means in § 3
    /// Abs. 2 BUrlG, by which an own date is checked (F4).
    pub fn monday_to_saturday(&self) -> Result<Self, CalendarError> {
        Self::new(CalendarSpec {
            name: format!("{} (Montag bis Samstag)", self.spec.name),
            title: "Werktage nach § 3 Abs. 2 BUrlG".to_owned(),
            working_week: [true, true, true, true, true, true, false],
            land: self.spec.land,
            closed: Vec::new(),
            opened: Vec::new(),
        })
    }

    /// Whether the day is worked (K1). A date outside the table is not.
    pub fn is_working(&self, date: NaiveDate) -> bool {
        in_week(&self.spec, date) && !self.reasons.contains_key(&date) && self.index(date).is_ok()
    }

    /// Why the day is free: the holiday's or closed day's name, else the weekday; `None` for a working day.
    pub fn why_free(&self, date: NaiveDate) -> Option<String> {
        match self.reasons.get(&date) {
            Some(reason) => Some(reason.clone()),
            None => (!in_week(&self.spec, date)).then(|| weekday_in_words(date).to_owned()),
        }
    }

    /// The `count`-th working day strictly after `base`; `base` itself for a count of 0.
    pub fn nth_after(&self, base: NaiveDate, count: u32) -> Result<NaiveDate, CalendarError> {
        if count == 0 {
            return Ok(base);
        }
        let position = self.rank[self.index(base)?] as usize + count as usize - 1;
        self.working_days.get(position).copied().ok_or_else(|| self.too_few(base, count, "after"))
    }

    /// The `count`-th working day strictly before `base`; `base` itself for a count of 0.
    pub fn nth_before(&self, base: NaiveDate, count: u32) -> Result<NaiveDate, CalendarError> {
        if count == 0 {
            return Ok(base);
        }
        let up_to_base = self.rank[self.index(base)?] as usize;
        let strictly_before = up_to_base - usize::from(self.is_working(base));
        strictly_before
            .checked_sub(count as usize)
            .map(|position| self.working_days[position])
            .ok_or_else(|| self.too_few(base, count, "before"))
    }

    /// The day itself if it is worked, else the next working day.
    pub fn same_or_next(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        if self.is_working(date) { Ok(date) } else { self.nth_after(date, 1) }
    }

    /// The day itself if it is worked, else the working day before.
    pub fn same_or_previous(&self, date: NaiveDate) -> Result<NaiveDate, CalendarError> {
        if self.is_working(date) { Ok(date) } else { self.nth_before(date, 1) }
    }

    /// How many working days lie strictly after `after` and up to `until`, inclusive; 0 if `until` is not later.
    pub fn count_between(&self, after: NaiveDate, until: NaiveDate) -> Result<u32, CalendarError> {
        Ok(self.rank[self.index(until)?].saturating_sub(self.rank[self.index(after)?]))
    }

    fn index(&self, date: NaiveDate) -> Result<usize, CalendarError> {
        usize::try_from((date - first_day()).num_days())
            .ok()
            .filter(|index| *index < self.rank.len())
            .ok_or(CalendarError::OutOfRange { date })
    }

    fn too_few(&self, base: NaiveDate, wanted: u32, direction: &'static str) -> CalendarError {
        CalendarError::TooFew { calendar: self.spec.name.clone(), base, wanted, direction }
    }
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).expect("a year of four digits has a first day")
}

fn in_week(spec: &CalendarSpec, date: NaiveDate) -> bool {
    spec.working_week[date.weekday().num_days_from_monday() as usize]
}

fn reasons(spec: &CalendarSpec) -> HashMap<NaiveDate, String> {
    let mut reasons: HashMap<NaiveDate, String> = HashMap::new();
    let mut add = |date: NaiveDate, why: &str| {
        reasons
            .entry(date)
            .and_modify(|known| {
                *known = format!("{known}; {why}");
            })
            .or_insert_with(|| why.to_owned());
    };
    if let Some(Land(region)) = spec.land {
        for year in FIRST_YEAR..=LAST_YEAR {
            for (date, holiday) in region.holiday_dates_in_year(year) {
                add(date, holiday_name(holiday));
            }
        }
    }
    for exception in &spec.closed {
        exception.dates().for_each(|date| add(date, &exception.why));
    }
    for exception in &spec.opened {
        for date in exception.dates() {
            reasons.remove(&date);
        }
    }
    reasons
}

/// The names of the law (K3); the crate says '1. Mai' and 'Weihnachtsfeiertag'.
fn holiday_name(holiday: GermanHoliday) -> &'static str {
    match holiday {
        GermanHoliday::ErsterMai => "Tag der Arbeit",
        GermanHoliday::ErsterWeihnachtsfeiertag => "1. Weihnachtstag",
        GermanHoliday::ZweiterWeihnachtsfeiertag => "2. Weihnachtstag",
        other => other.description(),
    }
}

fn easter_sunday(year: i32) -> Option<NaiveDate> {
    GermanHoliday::Ostersonntag.date(year)
}

/// The working week from weekdays.
pub fn working_week(days: impl IntoIterator<Item = Weekday>) -> [bool; 7] {
    let mut week = [false; 7];
    for day in days {
        week[day.num_days_from_monday() as usize] = true;
    }
    week
}

/// The day after; a calendar's years leave room for it.
pub(crate) fn day_after(date: NaiveDate) -> NaiveDate {
    date.succ_opt().unwrap_or(date)
}

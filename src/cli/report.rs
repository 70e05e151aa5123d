//! `fristd report`: a year's punctuality as a text, a page, a workbook or JSON. Never changes anything in the database.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::daemon::facts::known_months;
use crate::documents::{year_page, year_workbook};
use crate::domain::dates::{FIRST_YEAR, LAST_YEAR, day_in_words, instant_in_words};
use crate::domain::punctuality::{AuthorityLine, Figures, Mark, Phase, punctuality};
use crate::domain::request::duty;
use crate::domain::year_report::{DutyYear, YearReport};
use crate::domain::{Month, Rulebook};

use super::written_file::{check_target, names_same_file, write_whole};
use super::{Ending, Shell, WrongInput, counted, print_json, print_line};

const NAMED_MAX: usize = 10; // as many as fit on a screen below the districts; the files have all

/// Says how punctual each authority and district was in the cycles of a year.
///
/// Of each duty: the share of reports in time, the median of days before or after the last day, the longest runs of months in time
/// and missed, by district and by authority, and what each month came to. docs/punctuality.md defines every figure. A year
/// that is not over is told as far as it has come.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd report --year 2026                                    a short text\n  \
    fristd report --year 2026 --html jahr.html --xlsx jahr.xlsx  for the leadership, in German\n  \
    fristd report --year 2026 --duty statistics --json\n\n\
    The HTML is one file without scripts and outside resources, to be mailed, filed or printed. Existing files are replaced.\n\
    Exit code 3: no deadline of that year is known.")]
pub(super) struct Report {
    /// The year in which the cycles run, 1995 to 2100.
    #[arg(long, value_parser = clap::value_parser!(i32).range(i64::from(FIRST_YEAR)..=i64::from(LAST_YEAR)))]
    year: i32,
    /// Only this duty.
    #[arg(long)]
    duty: Option<String>,
    /// Write the report as a page, in German.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as a workbook, in German.
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        for path in self.html.iter().chain(&self.xlsx) {
            check_target(path)?;
        }
        if let (Some(html), Some(xlsx)) = (&self.html, &self.xlsx)
            && names_same_file(html, xlsx)
        {
            return Err(WrongInput("--html and --xlsx name the same file; give each its own".to_owned()).into());
        }
        let report = self.load(shell).await?;
        if report.is_empty() {
            // a file in which nothing stands would pass for a year in which nobody owed anything
            print_unknown(&report, self.json)?;
            return Ok(Ending::NothingMatched);
        }
        let mut written = Vec::new();
        if let Some(path) = &self.html {
            write_whole(path, year_page(&report)?.as_bytes())?;
            written.push(path);
        }
        if let Some(path) = &self.xlsx {
            write_whole(path, &year_workbook(&report)?)?;
            written.push(path);
        }
        if self.json {
            print_json(&as_json(&report))?;
        } else if written.is_empty() {
            print_line(&in_words(&report))?;
        } else {
            for path in written {
                print_line(&format!("written: {}", path.display()))?;
            }
        }
        Ok(Ending::Done)
    }

    async fn load(&self, shell: &Shell) -> anyhow::Result<YearReport> {
        let charter = shell.charter()?;
        let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
        let wanted = self.duty.as_deref().map(|id| duty(rulebook, id)).transpose()?;
        let (first, last) = months_of(self.year)?;
        let store = shell.existing_store(&charter).await?;
        let now = shell.clock.now();
        let mut tx = store.read().await?;
        let mut duties = Vec::new();
        for duty in rulebook.duties.iter().filter(|duty| wanted.is_none_or(|wanted| wanted.id == duty.id)) {
            let known = known_months(&mut tx, rulebook, duty, (first, last), now).await?;
            let punctuality = punctuality(first, &known, roster, now, rulebook.zone);
            duties.push(DutyYear { duty: duty.id.clone(), title: duty.title.clone(), punctuality });
        }
        drop(tx);
        store.close().await;
        Ok(year_report(self.year, rulebook, now, duties))
    }
}

fn year_report(
    year: i32,
    rulebook: &Rulebook,
    as_of: chrono::DateTime<chrono::Utc>,
    duties: Vec<DutyYear>,
) -> YearReport {
    YearReport {
        year,
        as_of,
        zone: rulebook.zone,
        duties,
        signature: rulebook.letterhead.signature.clone(),
        file_number: rulebook.letterhead.file_number.clone(),
    }
}

fn months_of(year: i32) -> Result<(Month, Month), WrongInput> {
    let month = |number| Month::parse(&format!("{year}-{number}")).map_err(|cause| WrongInput(cause.to_string()));
    Ok((month("01")?, month("12")?))
}

fn print_unknown(report: &YearReport, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&as_json(report));
    }
    print_line(&format!(
        "nothing is known of {}: in none of its cycles a deadline was told by this database; no file was written",
        report.year
    ))
}

fn as_json(report: &YearReport) -> Value {
    let months = |line: &AuthorityLine, duty: &DutyYear| -> Value {
        let cells = duty.punctuality.months.iter().zip(&line.cells);
        cells
            .map(|(month, cell)| {
                json!({ "month": month.month.to_string(), "mark": cell.mark.as_str(), "days": cell.days })
            })
            .collect()
    };
    let duties = report.duties.iter().map(|duty| {
        let counted = &duty.punctuality;
        let month_lines = counted.months.iter().map(|line| {
            let head = json!({
                "month": line.month.to_string(), "phase": line.phase.as_str(), "ends_on": line.ends_on,
            });
            with_figures(head, &line.figures)
        });
        let districts = counted.districts.iter();
        let authorities = counted.authorities.iter().map(|line| {
            let head = json!({
                "id": &*line.id, "name": line.name, "district": line.district.as_str(), "months": months(line, duty),
            });
            with_figures(head, &line.figures)
        });
        let ids = |list: &[crate::domain::AuthorityId]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "duty": &*duty.duty, "title": duty.title,
            "months": month_lines.collect::<Vec<_>>(),
            "all": with_figures(json!({}), &counted.all),
            "districts": districts.map(|(district, figures)| with_figures(json!({ "district": district.as_str() }), figures))
                .collect::<Vec<_>>(),
            "authorities": authorities.collect::<Vec<_>>(),
            "owed_nothing": ids(&counted.owed_nothing), "not_in_roster": ids(&counted.not_in_roster),
        })
    });
    json!({
        "year": report.year, "as_of": report.as_of.with_timezone(&report.zone).to_rfc3339(), "is_over": report.is_over(),
        "duties": duties.collect::<Vec<_>>(),
    })
}

fn with_figures(mut head: Value, figures: &Figures) -> Value {
    let marks: serde_json::Map<String, Value> =
        Mark::ALL.into_iter().map(|mark| (mark.as_str().to_owned(), json!(figures.count(mark)))).collect();
    let more = json!({
        "judged": figures.judged(), "in_time": figures.in_time(), "share_in_time": figures.share_in_time(),
        "median_days": figures.median_days.map(|days| days.days()), "longest_in_time": figures.longest_in_time,
        "longest_missed": figures.longest_missed, "marks": marks,
    });
    if let (Value::Object(head), Value::Object(more)) = (&mut head, more) {
        head.extend(more);
    }
    head
}

fn in_words(report: &YearReport) -> String {
    let as_of = instant_in_words(report.as_of, report.zone);
    let mut text = format!("Punctuality in {}, as of {as_of}", report.year);
    if !report.is_over() {
        text.push_str("; the year is not over");
    }
    text.push('\n');
    for duty in &report.duties {
        let _ = writeln!(text, "\n{}: {}", duty.duty, duty.title);
        text.push_str(&months_in_words(duty));
        if duty.punctuality.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "  {:<12}{:>8}{:>9}{:>9}{:>6}{:>8}{:>9}{:>13}{:>13}{:>12}",
            "", "judged", "in time", "", "late", "missed", "overdue", "median days", "all in time", "any missed"
        );
        text.push_str(&line_in_words("all", &duty.punctuality.all));
        for (district, figures) in &duty.punctuality.districts {
            text.push_str(&line_in_words(district.in_words(), figures));
        }
        text.push_str(&unpunctual_in_words(&duty.punctuality.authorities));
        for (words, ids) in [
            ("in the roster and owing nothing in these months", &duty.punctuality.owed_nothing),
            ("with receipts and not in the roster, counted nowhere", &duty.punctuality.not_in_roster),
        ] {
            if !ids.is_empty() {
                let _ = writeln!(text, "  {words}: {}", ids.join(", "));
            }
        }
    }
    text.push_str("\nMedian days: negative is before the last day. All in time, any missed: the longest run of such months.\nAll authorities: --html, --xlsx or --json.");
    text
}

fn months_in_words(duty: &DutyYear) -> String {
    let mut text = String::new();
    let closed = duty.months_in(Phase::Closed).len();
    let _ = writeln!(text, "  {} closed", counted(closed, "month"));
    for line in &duty.punctuality.months {
        let Some(ends_on) = line.ends_on else { continue };
        match line.phase {
            Phase::Running => {
                let _ = writeln!(text, "  {} is open until {}", line.month, day_in_words(ends_on));
            }
            Phase::Overdue => {
                let _ = writeln!(text, "  {} was due on {} and has not closed", line.month, day_in_words(ends_on));
            }
            _ => {}
        }
    }
    for (phase, words) in [(Phase::Ahead, "to come"), (Phase::Unknown, "nothing is known of")] {
        let months: Vec<String> = duty.months_in(phase).iter().map(ToString::to_string).collect();
        if !months.is_empty() {
            let _ = writeln!(text, "  {words}: {}", months.join(", "));
        }
    }
    text
}

fn line_in_words(name: &str, figures: &Figures) -> String {
    let share = figures.share_in_time().map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let median = figures.median_days.map_or("-".to_owned(), |days| days.to_string());
    let mut text = String::new();
    let _ = writeln!(
        text,
        "  {name:<12}{:>8}{:>9}{share:>9}{:>6}{:>8}{:>9}{median:>13}{:>13}{:>12}",
        figures.judged(),
        figures.in_time(),
        figures.count(Mark::Late),
        figures.count(Mark::Missed),
        figures.count(Mark::Overdue),
        figures.longest_in_time,
        figures.longest_missed,
    );
    text
}

/// Who was most often not in time; of those alike, who missed more first.
fn unpunctual_in_words(authorities: &[AuthorityLine]) -> String {
    let not_in_time = |line: &AuthorityLine| line.figures.judged() - line.figures.in_time();
    let mut lines: Vec<&AuthorityLine> = authorities.iter().filter(|line| not_in_time(line) > 0).collect();
    lines.sort_by_key(|line| std::cmp::Reverse((not_in_time(line), line.figures.count(Mark::Missed))));
    let mut text = String::new();
    if lines.is_empty() {
        return "  nobody was late or missed a month\n".to_owned();
    }
    let all = counted(lines.len(), "authority").replace("authoritys", "authorities");
    let more =
        if lines.len() > NAMED_MAX { format!("; the {NAMED_MAX} with the most such months") } else { String::new() };
    let _ = writeln!(text, "  not always in time: {all}{more}");
    for line in lines.iter().take(NAMED_MAX) {
        let figures = &line.figures;
        let part = |count: u32, words: &str| if count == 0 { String::new() } else { format!(", {count} {words}") };
        let running = match figures.longest_missed {
            0 | 1 => String::new(),
            count => format!(" ({count} running)"),
        };
        let _ = writeln!(
            text,
            "    {} of {} in time{}{}{}{}  {} [{}]",
            figures.in_time(),
            figures.judged(),
            part(figures.count(Mark::Late), "late"),
            part(figures.count(Mark::Missed), "missed"),
            running,
            part(figures.count(Mark::Overdue), "overdue"),
            line.name,
            line.id
        );
    }
    text
}

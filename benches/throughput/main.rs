//! How many mails a second fristd delivers, durable, against what only sends. Prints a table and whether the marks are met; never
//! ends with an error because one is missed.
//!
//! `cargo bench --bench throughput`; what it compares with comes by `tests/run --prepare-benchmark`. Shorter:
//! `FRISTD_NOTICES=2000 FRISTD_RUNS=1 FRISTD_MANY=20000 cargo bench --bench throughput`.

mod contestant;
mod gauge;
mod rivals;
#[path = "../../tests/support/mod.rs"]
mod support;

use contestant::{Contestant, Engine, Performance};
use gauge::Gauge;
use rivals::{Sample, nodemailer, smtp_source, smtplib};

const CONNECTIONS: [usize; 3] = [1, 4, 16];
const CONNECTIONS_MOST: usize = 16;
const REPLICAS: [usize; 3] = [1, 2, 5];
const DUTIES_OF_MANY: usize = 10; // so many mails to each mailbox, as no roster has 100,000
const MEMORY_MAX_MIB: f64 = 64.0;

fn main() {
    let (count, many, runs) =
        (number("FRISTD_NOTICES", 10_000), number("FRISTD_MANY", 100_000), number("FRISTD_RUNS", 3));
    let gauge = Gauge::start();
    let sample = Sample::take();
    println!(
        "{count} mails of {} bytes to smtp-sink on this machine; mails a second, median of {runs} runs\n",
        sample.bytes
    );

    println!("{:40} {:>8} {:>8} {:>8}   connections", "", CONNECTIONS[0], CONNECTIONS[1], CONNECTIONS[2]);
    let limit = row("smtp-source -d", runs, |connections| smtp_source(&gauge, &sample, count, connections));
    let pool = row("nodemailer, pool", runs, |connections| nodemailer(&gauge, &sample, count, connections));
    let python = median(runs, || smtplib(&gauge, &sample, count));
    println!("{:40} {python:8.0}", "smtplib (Python)");
    let mut marks = Marks::default();
    for engine in Engine::BOTH {
        let mut contestant = Contestant::queue(engine, count, 1, &gauge);
        let mut memory: f64 = 0.0;
        let rates = row(&format!("fristd, {}", engine.name()), runs, |connections| {
            let performance = contestant.deliver(&gauge, 1, connections);
            memory = memory.max(performance.peak_memory_mib);
            performance.rate
        });
        compare(&mut marks, engine, rates, limit, pool, python);
        marks.add(
            format!("{}: memory {memory:.0} MiB with {count} queued, below 64", engine.name()),
            memory < MEMORY_MAX_MIB,
        );
        replicas(&mut marks, engine, &mut contestant, &gauge, runs);
        drop(contestant);
        with_many_queued(&mut marks, engine, many, rates[2], &gauge);
    }
    marks.print();
}

/// One row of the table: the rates with each number of connections.
fn row(label: &str, runs: usize, mut run: impl FnMut(usize) -> f64) -> [f64; 3] {
    let rates = CONNECTIONS.map(|connections| median(runs, || run(connections)));
    println!("{label:40} {:8.0} {:8.0} {:8.0}", rates[0], rates[1], rates[2]);
    rates
}

fn compare(marks: &mut Marks, engine: Engine, rates: [f64; 3], limit: [f64; 3], pool: [f64; 3], python: f64) {
    for (label, others) in [("smtp-source", limit), ("nodemailer", pool), ("smtplib", [python; 3])] {
        let of = |place: usize| rates[place] / others[place];
        println!("{:40} {:8.2} {:8.2} {:8.2}", format!("    of {label}"), of(0), of(1), of(2));
    }
    let (of_limit, of_pool) = (rates[2] / limit[2], rates[2] / pool[2]);
    let name = engine.name();
    marks.add(
        format!("{name}: {of_limit:.2} of smtp-source with {CONNECTIONS_MOST} connections, at least 0.5"),
        of_limit >= 0.5,
    );
    marks.add(
        format!("{name}: {of_pool:.1} times nodemailer's pool with {CONNECTIONS_MOST} connections, at least 3"),
        of_pool >= 3.0,
    );
}

fn replicas(marks: &mut Marks, engine: Engine, contestant: &mut Contestant, gauge: &Gauge, runs: usize) {
    if engine != Engine::Postgres {
        return; // SQLite is for one process
    }
    let mut alone = 0.0;
    for replicas in REPLICAS {
        let mut performances: Vec<Performance> =
            (0..runs).map(|_| contestant.deliver(gauge, replicas, CONNECTIONS[1])).collect();
        performances.sort_by(|one, other| one.rate.total_cmp(&other.rate));
        let rate = performances[runs / 2].rate;
        let (claims, in_vain) = performances
            .iter()
            .fold((0, 0), |(claims, in_vain), run| (claims + run.claims, in_vain + run.claims_in_vain));
        let share = 100.0 * in_vain as f64 / claims.max(1) as f64;
        let label = format!("fristd, PostgreSQL, replicas: {replicas}");
        println!("{label:40} {:>8} {rate:8.0} {:>8}   {claims} claims, {in_vain} in vain ({share:.1} %)", "", "");
        match replicas {
            1 => alone = rate,
            2 => marks
                .add(format!("two replicas deliver {:.2} of what one does, at least 1", rate / alone), rate >= alone),
            _ => marks.add(
                format!("{replicas} replicas: {share:.1} % of {claims} claims in vain, below 5"),
                claims > 0 && share < 5.0,
            ),
        }
    }
}

fn with_many_queued(marks: &mut Marks, engine: Engine, many: usize, usual: f64, gauge: &Gauge) {
    let mut contestant = Contestant::queue(engine, many / DUTIES_OF_MANY, DUTIES_OF_MANY, gauge);
    let Performance { rate, peak_memory_mib, .. } = contestant.deliver(gauge, 1, CONNECTIONS_MOST);
    let name = engine.name();
    println!("{:40} {:>8} {:>8} {rate:8.0}", format!("fristd, {name}, {many} queued"), "", "");
    marks.add(
        format!("{name}: memory {peak_memory_mib:.0} MiB with {many} queued, below 64"),
        peak_memory_mib < MEMORY_MAX_MIB,
    );
    marks.add(format!("{name}: with {many} queued {:.2} of the rate, at least 0.9", rate / usual), rate >= 0.9 * usual);
}

fn median(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    let mut rates: Vec<f64> = (0..runs).map(|_| run()).collect();
    rates.sort_by(f64::total_cmp);
    rates[runs / 2]
}

/// What is to be reached, and whether it was.
#[derive(Default)]
struct Marks(Vec<(String, bool)>);

impl Marks {
    fn add(&mut self, mark: String, is_met: bool) {
        self.0.push((mark, is_met));
    }

    fn print(&self) {
        println!();
        for (mark, is_met) in &self.0 {
            println!("{}  {mark}", if *is_met { "met   " } else { "MISSED" });
        }
    }
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

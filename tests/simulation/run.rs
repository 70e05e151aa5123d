//! Plays many worlds at once, one a core, and says what broke. Never shares anything between two worlds but templates.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use fristd::mail::Templates;

use super::world::{Report, play};

const FAILURES_MAX: usize = 10; // more say nothing new
const PROGRESS_YEARS: u64 = 100; // between two lines of progress

/// Which worlds are played.
pub enum Seeds {
    These(Vec<u64>),
    /// One, with its history printed.
    Told(u64),
    /// All from a seed on, until so many years have passed.
    Years {
        years: u64,
        from: u64,
    },
}

/// Plays the world of a seed, and prints its history if it is to be told.
pub fn play_one(seed: u64, is_told: bool) -> Report {
    static TEMPLATES: OnceLock<Arc<Templates>> = OnceLock::new();
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let templates = TEMPLATES.get_or_init(|| Arc::new(Templates::load(None).expect("the shipped templates are good")));
    let number = PLAYED.fetch_add(1, Ordering::Relaxed);
    let folder = scratch().join(format!("fristd-simulation-{}-{number}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let report = runtime.block_on(play(seed, folder.clone(), templates.clone(), is_told));
    drop(runtime);
    std::fs::remove_dir_all(&folder).expect("the world's folder can be removed");
    report
}

/// Memory where the system has some as a folder: nothing of a world has to survive.
fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Plays them all on all cores.
///
/// # Panics
/// If an invariant breaks, with the seed and what happened last.
pub fn play_all(seeds: Seeds) {
    let (these, from, months_wanted, is_told) = match seeds {
        Seeds::These(these) => (Some(these), 0, 0, false),
        Seeds::Told(seed) => (Some(vec![seed]), 0, 0, true),
        Seeds::Years { years, from } => (None, from, years * 12, false),
    };
    let (next, months, worlds) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (rounds, notices, mails) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failures_max = std::env::var("FRISTD_FAILURES")
        .map_or(FAILURES_MAX, |text| text.parse().expect("FRISTD_FAILURES is a number"));
    let has_failed_enough = AtomicBool::new(false);
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let seed = match &these {
                Some(these) => match these.get(number as usize) {
                    Some(seed) => *seed,
                    None => return,
                },
                None if months.load(Ordering::Relaxed) >= months_wanted => return,
                None => from + number,
            };
            if has_failed_enough.load(Ordering::Relaxed) {
                return;
            }
            let report = play_one(seed, is_told);
            let before = months.fetch_add(u64::from(report.months), Ordering::Relaxed);
            let after = before + u64::from(report.months);
            worlds.fetch_add(1, Ordering::Relaxed);
            rounds.fetch_add(report.rounds as u64, Ordering::Relaxed);
            notices.fetch_add(report.notices as u64, Ordering::Relaxed);
            mails.fetch_add(report.mails as u64, Ordering::Relaxed);
            if let Some(broken) = &report.violation {
                let line = format!("seed {seed}: {} broken at {}: {}", broken.rule, broken.at, broken.words);
                say(&format!("{line}\n"));
                let mut failures = failures.lock().unwrap();
                failures.push(line);
                has_failed_enough.store(failures.len() >= failures_max, Ordering::Relaxed);
            }
            if before / 12 / PROGRESS_YEARS != after / 12 / PROGRESS_YEARS {
                let broken = failures.lock().unwrap().len();
                say(&format!("{} years played, {broken} invariants broken\n", after / 12));
            }
        }
    };
    std::thread::scope(|scope| {
        let cores = match std::env::var("FRISTD_CORES") {
            Ok(text) => text.parse().expect("FRISTD_CORES is a number"),
            Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
        };
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let (worlds, months) = (worlds.into_inner(), months.into_inner());
    let (rounds, notices, mails) = (rounds.into_inner(), notices.into_inner(), mails.into_inner());
    let failures = failures.into_inner().unwrap();
    say(&format!(
        "{worlds} worlds, {} years, {rounds} rounds, {notices} notices, {mails} mails taken by the relay, {} invariants broken\n",
        months / 12,
        failures.len()
    ));
    assert!(
        failures.is_empty(),
        "{} worlds broke an invariant; FRISTD_SEED=… plays one again and prints its history:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Past what the test runner catches: a long run shows how far it is.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

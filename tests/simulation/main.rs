//! A deterministic simulation of the shipped tick and delivery: replicas, people and faults by seed, on a virtual clock, with
//! the rules as statements that are checked after every change. Never lets time or chance in but through a seed.
//!
//! `docs/simulation.md` says what is tried and how a longer run is started.

mod asking;
mod chronicle;
mod dice;
mod gate;
mod generator;
mod history;
mod invariants_calling;
mod invariants_calm;
mod invariants_delivery;
mod judge;
mod land;
mod people;
mod reckoning;
mod relay;
mod replica;
mod run;
mod temper;
mod upheaval;
mod world;

use std::path::Path;

use run::{Seeds, play_all, play_one};

/// Years in the seeds that every run of the tests plays besides the kept ones.
const YEARS_AT_LEAST: u64 = 8;

#[test]
fn kept_seeds_break_no_invariant() {
    let kept = include_str!("seeds.txt").lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let seeds = kept.filter(|seed| !seed.is_empty()).map(|seed| seed.parse().expect("a seed is a number")).collect();
    play_all(Seeds::These(seeds));
}

#[test]
fn one_seed_has_one_history() {
    for seed in [3, 20_261_215] {
        let (first, second) = (play_one(seed, false), play_one(seed, false));
        assert_eq!(first.history.lines, second.history.lines, "seed {seed}");
        assert_eq!(first.history.hash, second.history.hash, "seed {seed}");
        assert!(first.mails > 0, "seed {seed} sends nothing and shows nothing");
    }
}

/// The bugs of mutants.toml are put into copies by `tests/simulation/mutants`; that they still fit is seen here.
#[test]
fn every_mutant_still_fits_the_sources() {
    let list: toml::Table = include_str!("mutants.toml").parse().expect("TOML");
    let mutants = list["mutant"].as_array().expect("an array of tables");
    let edits = mutants.iter().flat_map(|mutant| mutant["edits"].as_array().expect("an array").iter());
    let mut tried = 0;
    for edit in edits {
        let file = edit["file"].as_str().expect("a path");
        let new = edit["new"].as_str().expect("a text");
        assert!(new.contains("MUTANT"), "{file} must be as it was while the bug is switched off: {new}");
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
        for old in [edit.get("old"), edit.get("also")].into_iter().flatten() {
            let old = old.as_str().expect("a text");
            assert_eq!(source.matches(old).count(), 1, "{file} should hold once: {old}");
            tried += 1;
        }
    }
    assert!(tried >= mutants.len(), "every mutant changes something");
}

/// `FRISTD_YEARS=10000 cargo test --release --features faults --test simulation many_years -- --nocapture` plays that many; `FRISTD_SEED=7`
/// plays that one and prints its history.
#[test]
fn many_years_break_no_invariant() {
    let of = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    match (of("FRISTD_SEED"), of("FRISTD_YEARS")) {
        (Some(seed), _) => play_all(Seeds::Told(seed)),
        (None, years) => {
            play_all(Seeds::Years { years: years.unwrap_or(YEARS_AT_LEAST), from: of("FRISTD_FROM").unwrap_or(1) })
        }
    }
}

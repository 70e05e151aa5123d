//! A world: replicas on one store, people, a relay and a clock, all by one dice. Never lets two replicas run at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::mail::Templates;
use fristd::settings::{Source, load_with};
use fristd::store::{Durability, Store};

use super::chronicle::Scribe;
use super::dice::Dice;
use super::gate::{Alarm, Gate, Stop, Verdict};
use super::generator;
use super::history::History;
use super::judge::{Actor, Context, Judge, Violation};
use super::land::Land;
use super::reckoning::{local_day, next_open};
use super::relay::Relay;
use super::replica::{Body, Ended, Files, Memory, Round, round};
use super::temper::Temper;

const SKEW_SECONDS_MAX: i64 = 60; // as far apart as replicas' clocks may be
const IDLE_MAX: u32 = 9; // 2,560 s: no step waits longer for a replica that has nothing to do
const STOPS_MAX: usize = 200_000; // a round that stops more often does not end

/// What happens next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Happening {
    Wake(usize),
    Start(usize),
    People,
    /// People, once more than by themselves.
    Visit,
    Trouble,
    DiskIsFine,
    ClockIsRight(usize),
    Calm,
}

/// One replica of a world.
pub struct Replica {
    pub body: Arc<Body>,
    pub files: Files,
    pub memory: Option<Memory>,
    pub round: Option<Round>,
    pub is_up: bool,
    pub skew: TimeDelta,
    pub jump: TimeDelta,
    pub wake_at: Option<DateTime<Utc>>,
    /// How many rounds running did nothing.
    idle: u32,
    /// What its clock shows.
    clock: DateTime<Utc>,
}

/// A world at work.
pub struct World {
    pub dice: Dice,
    pub now: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub temper: Temper,
    folder: PathBuf,
    templates: Arc<Templates>,
    pub files: Files,
    pub store: Store,
    pub scribe: Scribe,
    pub gate: Gate,
    pub relay: Arc<Mutex<Relay>>,
    pub replicas: Vec<Replica>,
    pub judge: Judge,
    pub history: History,
    pub queue: BinaryHeap<Reverse<(DateTime<Utc>, u64, Happening)>>,
    order: u64,
    commits_seen: u64,
    rounds: usize,
    pub is_disk_full: bool,
}

/// What a world came to.
pub struct Report {
    pub months: u32,
    pub violation: Option<Violation>,
    pub history: History,
    pub rounds: usize,
    pub notices: usize,
    pub mails: usize,
}

/// Plays the world of a seed to its end, or to the first broken invariant.
pub async fn play(seed: u64, folder: PathBuf, templates: Arc<Templates>, is_told: bool) -> Report {
    let mut world = World::new(seed, folder, templates, is_told).await;
    let months = world.temper.months;
    world.run().await;
    if world.judge.violation.is_none() {
        world.calm().await;
        world.judge_end().await;
    }
    let World { store, scribe, replicas, judge, history, rounds, .. } = world;
    drop(replicas);
    fristd::fault::install(None);
    scribe.close().await;
    store.close().await;
    Report { months, rounds, notices: judge.notices.len(), mails: judge.mails, violation: judge.violation, history }
}

impl World {
    async fn new(seed: u64, folder: PathBuf, templates: Arc<Templates>, is_told: bool) -> Self {
        let mut dice = Dice::new(seed);
        let temper = Temper::new(&mut dice);
        let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
        let now = first.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(dice.between(0, 6 * 365 * 1440));
        let until = now + TimeDelta::days(i64::from(temper.months) * 61 / 2);
        std::fs::create_dir_all(&folder).unwrap();
        let land = generator::land(&mut dice);
        let files = read(&land, &folder, &templates, 0);
        let database = folder.join("fristd.sqlite");
        let gate = Gate::default();
        gate.install();
        let store = Store::open(&database, Durability::Scratch, now).await.unwrap();
        let scribe = Scribe::new(&database).await;
        let relay =
            Relay { episode: None, failing_permille: temper.relay_permille, dice: dice.split(), now, seen: Vec::new() };
        let mut world = Self {
            now,
            until,
            folder,
            templates,
            files,
            store,
            scribe,
            gate,
            relay: Arc::new(Mutex::new(relay)),
            replicas: Vec::new(),
            judge: Judge::new(),
            history: History { is_told, ..History::default() },
            queue: BinaryHeap::new(),
            order: 0,
            commits_seen: 0,
            rounds: 0,
            is_disk_full: false,
            temper,
            dice,
        };
        world.history.add(now, || format!("seed {seed}: {:?}", world.temper));
        for index in 0..world.temper.replicas {
            world.add_replica(index);
        }
        let first_people = world.temper.people_pause(&mut world.dice);
        world.schedule(world.now + first_people, Happening::People);
        let first_trouble = world.temper.trouble_pause(&mut world.dice);
        world.schedule(world.now + first_trouble, Happening::Trouble);
        let first_calm = TimeDelta::hours(world.dice.between(5 * 24, 40 * 24));
        world.schedule(world.now + first_calm, Happening::Calm);
        world
    }

    fn add_replica(&mut self, index: usize) {
        let skew = if self.temper.is_skewed { self.dice.between(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX) } else { 0 };
        let body = Body {
            store: match self.temper.replicas {
                1 => self.store.clone(),
                _ => self.store.clone().working_as(&format!("replica-{index}")),
            },
            clock: Clock::virtual_at(self.now),
            relay: self.relay.clone(),
            gate: self.gate.clone(),
            replica: index,
            is_alone: self.temper.replicas == 1,
            connections: self.temper.connections,
        };
        self.replicas.push(Replica {
            body: Arc::new(body),
            files: self.files.clone(),
            memory: Some(Memory::default()),
            round: None,
            is_up: true,
            skew: TimeDelta::seconds(skew),
            jump: TimeDelta::zero(),
            wake_at: None,
            idle: 0,
            clock: self.now,
        });
        self.wake(index, self.now + TimeDelta::seconds(index as i64));
    }

    pub fn schedule(&mut self, at: DateTime<Utc>, what: Happening) {
        self.order += 1;
        self.queue.push(Reverse((at, self.order, what)));
    }

    /// Has a replica look at `at`, unless it does before.
    pub fn wake(&mut self, index: usize, at: DateTime<Utc>) {
        let replica = &mut self.replicas[index];
        if replica.wake_at.is_none_or(|earlier| at < earlier) {
            replica.wake_at = Some(at);
            self.schedule(at, Happening::Wake(index));
        }
    }

    async fn run(&mut self) {
        while let Some(Reverse((at, _, what))) = self.queue.pop() {
            if at > self.until || self.judge.violation.is_some() {
                return;
            }
            self.now = self.now.max(at);
            match what {
                Happening::Wake(index) if self.replicas[index].wake_at == Some(at) => {
                    self.replicas[index].wake_at = None;
                    if self.replicas[index].is_up {
                        self.advance(index).await;
                    }
                }
                Happening::Wake(_) => {}
                Happening::Start(index) => self.start(index),
                Happening::People | Happening::Visit => {
                    if what == Happening::People {
                        let pause = self.temper.people_pause(&mut self.dice);
                        self.schedule(self.now + pause, Happening::People);
                    }
                    self.act().await;
                    self.look(Actor::Person).await;
                }
                Happening::Trouble => self.trouble().await,
                Happening::DiskIsFine => self.set_disk(0).await,
                Happening::ClockIsRight(index) => self.replicas[index].jump = TimeDelta::zero(),
                Happening::Calm => {
                    self.calm().await;
                    let pause = TimeDelta::hours(self.dice.between(10 * 24, 45 * 24));
                    self.schedule(self.now + pause, Happening::Calm);
                }
            }
        }
    }

    /// Lets a replica go on until it stops for a while, dies, or has ended its round.
    pub async fn advance(&mut self, index: usize) {
        // one that was kept waiting goes on
        let mut gone_on = self.dice.pick(&self.gate.waiting(index)).cloned();
        if let Some(kept) = &gone_on {
            self.gate.release(kept, Verdict::Go);
        }
        for _ in 0..STOPS_MAX {
            match self.drive(index, gone_on.as_ref().map(|kept| kept.stop)).await {
                Some(ended) => return self.ended(index, ended).await,
                None if self.judge.violation.is_some() => return,
                None => {}
            }
            let waiting = self.gate.waiting(index);
            let is_in_transaction = waiting.iter().any(|waiting| waiting.stop.is_in_transaction());
            let Some(chosen) = self.dice.pick(&waiting).cloned() else { panic!("a replica waits for nobody") };
            let temper = &self.temper;
            if self.dice.permille(temper.crash_permille) {
                return self.crash(index, chosen.stop);
            }
            if !is_in_transaction && self.dice.permille(temper.stall_permille) {
                return self.stall(index, chosen.stop);
            }
            let fails = chosen.stop.can_fail() && self.dice.permille(temper.commit_permille);
            if fails {
                self.history.add(self.now, || format!("replica {index}: {:?} fails", chosen.stop));
            }
            self.gate.release(&chosen, if fails { Verdict::Fail } else { Verdict::Go });
            gone_on = Some(chosen);
        }
        self.judge.break_rule(self.now, "M6", format!("replica {index}: a round does not end"));
    }

    /// Polls one replica until it stops or has ended its round, and looks at what it did.
    async fn drive(&mut self, index: usize, from: Option<Stop>) -> Option<Ended> {
        let replica = &mut self.replicas[index];
        let clock = self.now + replica.skew + replica.jump;
        replica.body.clock.set(clock);
        replica.clock = clock;
        self.relay.lock().unwrap().now = self.now;
        if replica.round.is_none() {
            let memory = replica.memory.take().unwrap_or_default();
            replica.round = Some(round(replica.body.clone(), replica.files.clone(), memory));
        }
        let mut running = replica.round.take().expect("it was put there");
        self.gate.set_driven(Some(index));
        let (_, arrivals) = self.gate.counts();
        let gate = &self.gate;
        let comes_to_rest = from.is_some_and(|stop| !stop.leads_to_database());
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(alarm.clone());
        let ended = poll_fn(|context| {
            alarm.pass_on_to(context.waker());
            loop {
                if let Poll::Ready(ended) = running.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
                    return Poll::Ready(Some(ended));
                }
                if alarm.take() {
                    continue;
                }
                let has_stopped = gate.counts().1 > arrivals;
                // all that can move has moved, and others still wait at the gate
                let is_at_rest = comes_to_rest && !gate.waiting(index).is_empty();
                return if has_stopped || is_at_rest { Poll::Ready(None) } else { Poll::Pending };
            }
        })
        .await;
        self.gate.set_driven(None);
        if ended.is_none() {
            self.replicas[index].round = Some(running);
        }
        self.look(Actor::Replica(index)).await;
        ended
    }

    /// Looks at everything that was committed, and at what the relay saw, since the last look.
    pub async fn look(&mut self, actor: Actor) {
        let (commits, _) = self.gate.counts();
        if commits != self.commits_seen {
            self.commits_seen = commits;
            let changes = self.scribe.changes().await;
            if !changes.is_empty() {
                self.history.changes(self.now, &changes);
                let context = self.context(actor);
                self.judge.changes(&context, &changes);
                for index in 0..self.replicas.len() {
                    if actor != Actor::Replica(index) && (self.replicas.len() == 1 || self.dice.one_in(2)) {
                        let soon = TimeDelta::seconds(self.dice.between(1, 30));
                        self.wake(index, self.now + soon);
                    }
                }
            }
        }
        let seen = std::mem::take(&mut self.relay.lock().unwrap().seen);
        for seen in seen {
            self.history.seen(self.now, &seen);
            let context = self.context(actor);
            self.judge.seen(&context, &seen);
        }
    }

    fn context(&self, actor: Actor) -> Context {
        let (land, clock) = match actor {
            Actor::Replica(index) => (self.replicas[index].files.land.clone(), self.replicas[index].clock),
            Actor::Person => (self.files.land.clone(), self.now),
        };
        Context {
            actor,
            now: self.now,
            clock,
            land,
            is_alone: self.temper.replicas == 1,
            has_right_clocks: !self.temper.is_skewed && !self.temper.has_troubles,
        }
    }

    async fn ended(&mut self, index: usize, ended: Ended) {
        let Ended { memory, outcome, events, quiet_until } = ended;
        self.rounds += 1;
        let has_seen_all = memory.memo.has_seen(self.scribe.count_of_changes().await);
        if let Err(cause) = &outcome {
            self.history.add(self.now, || format!("replica {index}: the round failed: {cause}"));
        }
        let is_quiet = events.is_empty() && outcome.is_ok() && has_seen_all;
        let replica = &mut self.replicas[index];
        // a replica ticks every few seconds; where nothing comes of it, many ticks are passed over
        replica.idle = if events.is_empty() { (replica.idle + 1).min(IDLE_MAX) } else { 0 };
        let passed_over = TimeDelta::seconds(5 << replica.idle);
        replica.memory = Some(memory);
        // settings are loaded between two rounds
        replica.files = self.files.clone();
        let offset = replica.skew + replica.jump;
        let at = match quiet_until {
            Some(at) if is_quiet => {
                let at = self.judge.nothing_happens_until(at, &self.files.land).unwrap_or(at);
                (at - offset).max(self.now + TimeDelta::seconds(1))
            }
            _ => self.now + passed_over,
        };
        let again_at = outcome.as_ref().ok().copied().flatten().map(|at| at - offset);
        let work = self.next_work().map(|at| (at - offset).max(self.now + passed_over));
        let work = work.into_iter().chain(again_at.map(|at| at.max(self.now + TimeDelta::seconds(1)))).min();
        let at = work.map_or(at, |work| at.min(work)).min(self.now + TimeDelta::hours(75));
        self.wake(index, at);
    }

    /// When there will be something to deliver or to take over, by what the notices say.
    fn next_work(&self) -> Option<DateTime<Utc>> {
        let is_paused = self.judge.known.is_paused(i64::MAX);
        let mut next: Option<DateTime<Utc>> = None;
        for (at, is_claimed) in self.judge.waiting() {
            let at = match is_claimed {
                true => at,
                false if is_paused => continue,
                false => next_open(&self.files.land, at.max(self.now)),
            };
            next = Some(next.map_or(at, |next| next.min(at)));
        }
        next
    }

    /// Puts new files in force; replicas take them between two rounds, each when it comes to it.
    pub fn put_in_force(&mut self, land: Land) {
        let generation = self.files.charter.generation + 1;
        self.files = read(&land, &self.folder, &self.templates, generation);
        for index in 0..self.replicas.len() {
            if self.replicas[index].round.is_none() {
                let soon = TimeDelta::seconds(self.dice.between(1, 60));
                self.wake(index, self.now + soon);
            }
        }
    }

    pub fn today(&self) -> NaiveDate {
        local_day(self.now)
    }
}

/// Writes the files and has fristd read them.
fn read(land: &Land, folder: &std::path::Path, templates: &Arc<Templates>, generation: u64) -> Files {
    land.write(folder);
    let settings = load_with(&Source::Folder(folder.to_owned()), [])
        .unwrap_or_else(|complaints| panic!("the generator made files that are refused: {complaints:?}\n{land:#?}"));
    let charter = Charter { settings: Arc::new(settings), templates: templates.clone(), generation };
    Files { charter, land: Arc::new(land.clone()) }
}

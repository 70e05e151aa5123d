//! What befalls a world besides people: deaths, waits, a relay, a disk or a clock that fails; and the calm after it. Never in
//! the middle of a transaction of somebody else.

use chrono::TimeDelta;

use super::gate::Stop;
use super::relay::Fault;
use super::replica::Memory;
use super::world::{Happening, World};

impl World {
    pub fn crash(&mut self, index: usize, stop: Stop) {
        let down = self.temper.down_time(&mut self.dice);
        self.history.add(self.now, || format!("replica {index}: dies at {stop:?} for {} s", down.num_seconds()));
        let replica = &mut self.replicas[index];
        replica.round = None; // all that was in its memory
        replica.memory = None;
        replica.is_up = false;
        self.schedule(self.now + down, Happening::Start(index));
    }

    pub fn start(&mut self, index: usize) {
        let replica = &mut self.replicas[index];
        if replica.is_up {
            return;
        }
        replica.is_up = true;
        replica.memory = Some(Memory::default());
        replica.files = self.files.clone();
        replica.wake_at = None;
        self.wake(index, self.now);
    }

    pub fn stall(&mut self, index: usize, stop: Stop) {
        let stalled = self.temper.stall_time(&mut self.dice);
        self.history.add(self.now, || format!("replica {index}: waits at {stop:?} for {} s", stalled.num_seconds()));
        self.replicas[index].wake_at = None;
        self.wake(index, self.now + stalled);
        // let somebody do something meanwhile
        if self.dice.one_in(2) {
            let within = self.dice.between(0, stalled.num_seconds().max(1));
            self.schedule(self.now + TimeDelta::seconds(within), Happening::Visit);
        }
        let other = self.dice.below(self.replicas.len());
        if other != index {
            let soon = TimeDelta::seconds(self.dice.between(0, 2));
            self.wake(other, self.now + soon);
        }
    }

    /// Something goes wrong with the relay, the disk, a clock, or everything stands still.
    pub async fn trouble(&mut self) {
        let pause = self.temper.trouble_pause(&mut self.dice);
        self.schedule(self.now + pause, Happening::Trouble);
        if !self.temper.has_troubles {
            return;
        }
        match self.dice.below(6) {
            0 | 1 => {
                let fault = *self.dice.pick(&Fault::ALL).expect("there are faults");
                let hours = if self.dice.one_in(4) { self.dice.between(10, 100) } else { self.dice.between(1, 5) };
                self.history.add(self.now, || format!("relay: {fault:?} for {hours} h"));
                self.relay.lock().unwrap().episode = Some((fault, self.now + TimeDelta::hours(hours)));
            }
            2 if !self.is_anybody_in_transaction() => {
                let mode = self.dice.between(1, 2);
                let minutes = self.dice.between(1, 300);
                self.history.add(self.now, || format!("disk: full ({mode}) for {minutes} min"));
                self.set_disk(mode).await;
                self.schedule(self.now + TimeDelta::minutes(minutes), Happening::DiskIsFine);
            }
            3 => {
                let index = self.dice.below(self.replicas.len());
                let seconds = match self.dice.below(3) {
                    0 => self.dice.between(-300, 300),
                    1 => self.dice.between(-86_400, 86_400),
                    _ => self.dice.between(-6 * 86_400, 6 * 86_400),
                };
                self.history.add(self.now, || format!("replica {index}: its clock jumps by {seconds} s"));
                self.replicas[index].jump = TimeDelta::seconds(seconds);
                let hours = self.dice.between(1, 60);
                self.schedule(self.now + TimeDelta::hours(hours), Happening::ClockIsRight(index));
                self.wake(index, self.now + TimeDelta::seconds(1));
            }
            _ => {
                // everything stands still
                let days = self.dice.between(1, 12);
                self.history.add(self.now, || format!("all replicas: down for {days} d"));
                for index in 0..self.replicas.len() {
                    let replica = &mut self.replicas[index];
                    (replica.round, replica.memory, replica.is_up) = (None, None, false);
                    let seconds = self.dice.between(0, 3600);
                    self.schedule(
                        self.now + TimeDelta::days(days) + TimeDelta::seconds(seconds),
                        Happening::Start(index),
                    );
                }
            }
        }
    }

    fn is_anybody_in_transaction(&self) -> bool {
        (0..self.replicas.len())
            .any(|index| self.gate.waiting(index).iter().any(|waiting| waiting.stop.is_in_transaction()))
    }

    pub async fn set_disk(&mut self, mode: i64) {
        self.is_disk_full = mode != 0;
        self.scribe.set_disk(mode).await;
    }

    /// Mends everything, lets every replica come to rest, and asks whether anything was lost.
    pub async fn calm(&mut self) {
        const ROUNDS_MAX: usize = 60; // a round or two a wake; more is a replica that finds no rest from changing something
        const LEASE: TimeDelta = TimeDelta::minutes(25); // longer than a lease, and skew
        self.history.add(self.now, || "calm".to_owned());
        self.set_disk(0).await;
        let failing = {
            let mut relay = self.relay.lock().unwrap();
            relay.episode = None;
            std::mem::take(&mut relay.failing_permille)
        };
        let temper = self.temper.clone();
        self.temper.make_calm();
        for index in 0..self.replicas.len() {
            let replica = &mut self.replicas[index];
            replica.jump = TimeDelta::zero();
            if !replica.is_up {
                self.start(index);
            }
        }
        for _ in 0..3 {
            for round in 0..ROUNDS_MAX {
                let before = self.judge.seq;
                for index in 0..self.replicas.len() {
                    if self.judge.violation.is_some() {
                        return;
                    }
                    self.replicas[index].wake_at = None;
                    self.advance(index).await;
                    self.replicas[index].files = self.files.clone();
                }
                if self.judge.seq == before && round > 0 {
                    break;
                }
                if round + 1 == ROUNDS_MAX {
                    self.judge.break_rule(self.now, "M6", "the replicas find no rest".to_owned());
                }
            }
            self.now += LEASE;
        }
        for index in 0..self.replicas.len() {
            self.replicas[index].wake_at = None;
            self.advance(index).await;
            self.advance(index).await;
        }
        if self.judge.violation.is_none() {
            let land = self.files.land.clone();
            self.judge.calm(self.now, &land);
        }
        self.temper = temper;
        self.relay.lock().unwrap().failing_permille = failing;
    }

    pub async fn judge_end(&mut self) {
        let audit = self.store.read().await.unwrap().audit(None).await.unwrap();
        if !audit.is_intact() {
            let faults = format!("{:?} {:?}", audit.chain.faults, audit.tables.faults);
            self.judge.break_rule(self.now, "M7", format!("the log does not attest what is there: {faults:.600}"));
        }
    }
}

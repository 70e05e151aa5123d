//! What integration tests share. Holds no test of its own.
#![allow(dead_code)] // every test program compiles all of it and uses a part

pub mod account;
pub mod answer;
pub mod certificates;
pub mod crowd;
pub mod daemon;
pub mod ledger;
pub mod lives;
pub mod mail_server;
pub mod monitor;
pub mod peer;
pub mod postgres;
pub mod scripted_smtp;
pub mod sink;
pub mod site;
pub mod story;
pub mod year;

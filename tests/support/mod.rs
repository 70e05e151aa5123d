//! What integration tests share. Holds no test of its own.
#![allow(dead_code)] // every test program compiles all of it and uses a part

pub mod answer;
pub mod daemon;
pub mod mail_server;
pub mod peer;
pub mod scripted_smtp;
pub mod site;
pub mod story;
pub mod year;

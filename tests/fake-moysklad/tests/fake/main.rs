//! What the fake must do, over HTTP: its limits, its lists, its webhooks, its faults, its vendor API.

mod client;
mod faults;
mod goods;
mod hooks;
mod lists;
mod rates;
mod receiver;
mod solutions;

//! The exchange over CommerceML (commerceml §6.1), with a client that can misbehave.

mod client;
mod files;
mod merchant;
mod wire;

mod addresses;
mod alone;
mod batch;
mod begin;
mod busy;
mod chunks;
mod deletion;
mod encodings;
mod hostile;
mod imports;
mod isolation;
mod kill;
mod login;
mod moysklad;
mod names;
mod newer;
mod options;
mod orders;
mod orders_back;
mod pictures;
mod real;
mod till;
mod zips;

//! Every test that uses the crate from outside, in one program: what is linked once
//! is linked quickly.

mod algorithms;
mod broken_files;
mod browser;
mod calibration;
mod certificates;
mod chrome;
mod cli;
mod common;
mod compare;
mod door;
mod exit_codes;
mod files;
mod fuzz;
mod gallery;
mod graphs;
mod index;
mod known_circuits;
mod known_modules;
mod layers;
mod leiden;
mod mutations;
mod own_data;
mod references;
mod resumed;
mod sturdy;
mod toy_ioi;
mod train_cli;
mod train_incontext;
mod train_reference;
mod training;
mod transformer_cli;
mod transformer_parity;
mod zoo;
mod zoo_layered;
mod zoo_mlp;

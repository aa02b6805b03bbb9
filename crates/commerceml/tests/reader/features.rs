//! One test for each thing that files have.

//! Orders made here appear in the shop once, and their statuses come back.

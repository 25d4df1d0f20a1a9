//! Accounts, transfers and orders: a pure state machine and the durable engine around it.

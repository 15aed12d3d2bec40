//! Transfers between accounts, on one process or many: each transfer is booked at two accounts, and is settled when both bookings are
//! there. At the end the output is checked: no booking is missing or there twice, whatever was killed meanwhile.
//!
//! ```sh
//! cluster_demo --processes 3 --workers 1 --snapshots file:///tmp/demo/snapshots --every 1s --output /tmp/demo/output --rate 20000
//! ```
//! starts a coordinator and three processes with workers. Kill any of them with `kill -9` and see the job go on.
use clap::Parser;
use malstrom::prelude::*;
use malstrom::{Emit, Never, Read, Result, Source, SplitReader};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Clone, Record)]
struct Transfer {
    id: u64,
    from: u32,
    to: u32,
    amount: i64,
}
/// One half of a transfer, with its number at its account.
#[derive(Clone, Record, Serialize, Deserialize)]
struct Booking {
    transfer: u64,
    account: u32,
    amount: i64,
    number: u64,
    balance: i64,
}
#[derive(Clone, Record, Serialize, Deserialize)]
struct Settled {
    transfer: u64,
}

/// Makes transfers up, so many per second in each split.
struct Transfers {
    count: u64,
    splits: u64,
    accounts: u64,
    hot: bool,
    rate: Option<u64>,
}
impl Source for Transfers {
    type Out = Transfer;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Reader;

    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.splits).collect())
    }
    #[allow(clippy::disallowed_methods, reason = "it is paced by the clock of the machine")]
    fn open(&mut self, split: u64, position: Option<u64>) -> Result<Reader> {
        let Transfers { count, splits, accounts, hot, rate } = *self;
        let first = position.unwrap_or(0);
        let rate = rate.map(|rate| (rate / splits).max(1));
        Ok(Reader {
            split,
            splits,
            accounts,
            hot,
            rate,
            first,
            next: first,
            end: count / splits,
            since: Instant::now(),
        })
    }
}
struct Reader {
    split: u64,
    splits: u64,
    accounts: u64,
    hot: bool,
    rate: Option<u64>,
    first: u64,
    next: u64,
    end: u64,
    since: Instant,
}
impl SplitReader for Reader {
    type Out = Transfer;
    type Error = Never;
    type Position = u64;

    fn read(&mut self, max: usize, out: &mut impl Emit<Transfer, Never>) -> Result<Read> {
        let due =
            self.rate.map_or(self.end, |rate| self.first + (self.since.elapsed().as_secs_f64() * rate as f64) as u64);
        let until = due.min(self.end).min(self.next + max as u64);
        for number in self.next..until {
            let id = number * self.splits + self.split;
            // Any numbers will do, if they are the same each time.
            let mixed = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let from = if self.hot { 0 } else { (mixed >> 40) % self.accounts };
            let to = (from + 1 + (mixed >> 20) % (self.accounts - 1)) % self.accounts;
            out.emit(Transfer { id, from: from as u32, to: to as u32, amount: 1 + (mixed % 1000) as i64 });
        }
        self.next = self.next.max(until);
        Ok(match self.next {
            next if next == self.end => Read::End,
            next if next == due => Read::After(Duration::from_millis(2)),
            _ => Read::More,
        })
    }
    fn position(&self) -> u64 {
        self.next
    }
}

#[keyed_state(key = u32)]
#[derive(Default)]
struct Account {
    bookings: u64,
    balance: i64,
}
#[operator]
fn book(account: &mut Account, booking: Booking) -> Booking {
    account.bookings += 1;
    account.balance += booking.amount;
    Booking { number: account.bookings, balance: account.balance, ..booking }
}

#[keyed_state(key = u64)]
struct Half {
    amount: i64,
}
/// A transfer is settled when its second half is there.
#[operator]
fn settle(half: &mut Option<Half>, booking: Booking) -> Option<Settled> {
    match half.take() {
        None => {
            *half = Some(Half { amount: booking.amount });
            None
        }
        Some(first) => (first.amount + booking.amount == 0).then_some(Settled { transfer: booking.transfer }),
    }
}

fn halves(transfer: Transfer) -> [Booking; 2] {
    let Transfer { id, from, to, amount } = transfer;
    [(from, -amount), (to, amount)].map(|(account, amount)| Booking {
        transfer: id,
        account,
        amount,
        number: 0,
        balance: 0,
    })
}

pipeline! {
    fn transfers(count: u64, accounts: u64, hot: bool, rate: Option<u64>, slow: Option<Duration>, output: PathBuf) {
        let booked = source(Transfers { count, splits: 8, accounts, hot, rate })
            -> flat_map(halves) -> key_by(|booking| booking.account) -> inspect(move |_| slow.into_iter().for_each(std::thread::sleep)) -> book;
        booked -> sink(files::csv_sink(output.join("booked"))) as booked_files;
        booked -> key_by(|booking| booking.transfer) -> settle -> sink(files::csv_sink(output.join("settled"))) as settled_files;
    }
}

/// The rows of all published parts in a directory.
fn rows<T: for<'de> Deserialize<'de>>(directory: &Path) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    for part in std::fs::read_dir(directory)? {
        let path = part?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        for line in std::fs::read_to_string(&path)?.lines().skip(1) {
            rows.push(parse(line).ok_or_else(|| malstrom::Error::custom(format!("{}: `{line}`", path.display())))?);
        }
    }
    Ok(rows)
}
/// A row of numbers.
fn parse<T: for<'de> Deserialize<'de>>(line: &str) -> Option<T> {
    use serde::de::value::{Error, SeqDeserializer};
    let numbers = line.split(',').map(str::parse::<i64>).collect::<std::result::Result<Vec<_>, _>>().ok()?;
    T::deserialize(SeqDeserializer::<_, Error>::new(numbers.into_iter())).ok()
}

/// Checks what is published of `count` transfers: what is wrong with it, if anything.
fn check(output: &Path, count: u64) -> Result<Option<String>> {
    let mut accounts: HashMap<u32, Vec<Booking>> = HashMap::new();
    for booking in rows::<Booking>(&output.join("booked"))? {
        accounts.entry(booking.account).or_default().push(booking);
    }
    let (mut sum, mut bookings) = (0, 0);
    for (account, booked) in &mut accounts {
        booked.sort_unstable_by_key(|booking| booking.number);
        let mut balance = 0;
        for (at, booking) in (1..).zip(booked.iter()) {
            balance += booking.amount;
            if booking.number != at {
                let found = booking.number;
                return Ok(Some(format!("booking {at} of account {account} is missing, or {found} is there twice")));
            }
            if booking.balance != balance {
                let said = booking.balance;
                return Ok(Some(format!("account {account} has {balance} after booking {at}, and {said} was booked")));
            }
        }
        // What one account has lost, others have got.
        sum += balance;
        bookings += booked.len() as u64;
    }
    let mut settled: Vec<u64> =
        rows::<Settled>(&output.join("settled"))?.iter().map(|settled| settled.transfer).collect();
    settled.sort_unstable();
    let gap = (0..).zip(&settled).find(|(at, transfer)| at != *transfer);
    Ok(match gap {
        _ if sum != 0 => Some(format!("{sum} too much has been booked")),
        _ if bookings != 2 * count => Some(format!("{bookings} bookings are there of {count} transfers")),
        Some((at, _)) => Some(format!("transfer {at} is not settled, or one before it is twice")),
        None if settled.len() as u64 != count => Some(format!("{} of {count} transfers are settled", settled.len())),
        None => None,
    })
}

/// Books transfers between accounts, and checks that none is lost or doubled.
#[derive(Parser)]
struct Args {
    /// How many transfers
    #[arg(long, default_value_t = 100_000)]
    transfers: u64,
    /// Between how many accounts
    #[arg(long, default_value_t = 1_000)]
    accounts: u64,
    /// All of them are from the first account
    #[arg(long)]
    hot: bool,
    /// How many transfers per second; as fast as possible if not given
    #[arg(long)]
    rate: Option<u64>,
    /// For how many milliseconds this process sleeps at each booking
    #[arg(long)]
    slow: Option<u64>,
    /// Where to write them
    #[arg(long)]
    output: Option<PathBuf>,
    /// Do not run, only check what an earlier run has written
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
    #[command(subcommand)]
    command: Option<malstrom::SnapshotCommand>,
}

fn main() -> Result<()> {
    let Args { transfers: count, accounts, hot, rate, slow, output, check: only_check, runtime, command } =
        Args::parse();
    let count = count / 8 * 8;
    let kept = output.clone();
    let output =
        output.unwrap_or_else(|| std::env::temp_dir().join(format!("malstrom-transfers-{}", std::process::id())));
    let to = output.clone();
    let slow = slow.map(Duration::from_millis);
    let pipeline = move || transfers(count, accounts.max(2), hot, rate, slow, to.clone());
    if let Some(command) = command {
        return command.run(runtime, pipeline);
    }
    let mut stopped = false;
    if !only_check {
        let report = runtime.run(pipeline)?;
        println!("{report}");
        stopped = report.stopped();
    }
    if !stopped {
        match check(&output, count)? {
            Some(wrong) => return Err(malstrom::Error::custom(wrong)),
            None => println!("right: {count} transfers are booked twice and settled once"),
        }
    }
    if kept.is_none() {
        std::fs::remove_dir_all(output)?;
    }
    Ok(())
}

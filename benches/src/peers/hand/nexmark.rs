//! Nexmark's queries as loops over the events. Those that need no exchange with one thread for each worker, the others
//! with one thread only. Nothing is copied but what is kept.
use crate::nexmark::{
    CATEGORY, Event, Map, Panes, SIZE_MS, SLIDE_MS, converted, events, near, q1_value, q2_value, q3_value, q5_value,
    q7_value, q8_value, selected, share, window_end,
};
use crate::tally::Tally;
use crate::workload::Workload;

/// Does the work.
pub(super) fn run(query: Workload, workers: usize) {
    match query {
        Workload::Q1 => for_each_worker(workers, q1),
        Workload::Q2 => for_each_worker(workers, q2),
        Workload::Q3 => q3(),
        Workload::Q5 => q5(),
        Workload::Q7 => q7(),
        Workload::Q8 => q8(),
        other => unreachable!("{} is no query", other.name()),
    }
}

fn for_each_worker(workers: usize, work: fn(usize, usize)) {
    std::thread::scope(|threads| {
        for worker in 0..workers {
            threads.spawn(move || work(worker, workers));
        }
    });
}

fn q1(worker: usize, workers: usize) {
    let mut sink = Tally::default();
    for event in share(worker, workers) {
        if let Event::Bid { auction, at, bidder, price } = event {
            sink.put(q1_value(*auction, *bidder, converted(*price), *at));
        }
    }
}

fn q2(worker: usize, workers: usize) {
    let mut sink = Tally::default();
    for event in share(worker, workers) {
        if let Event::Bid { auction, price, .. } = event
            && selected(*auction)
        {
            sink.put(q2_value(*auction, *price));
        }
    }
}

fn q3() {
    let mut sink = Tally::default();
    let mut people: Map<u64, &str> = Map::default();
    let mut auctions: Map<u64, Vec<u64>> = Map::default();
    for event in events() {
        match event {
            Event::Person { id, state, name, .. } if near(state) => {
                people.insert(*id, name);
                let waiting = auctions.get(id).into_iter().flatten();
                waiting.for_each(|auction| sink.put(q3_value(*id, name, *auction)));
            }
            Event::Auction { id, seller, category: CATEGORY, .. } => {
                auctions.entry(*seller).or_default().push(*id);
                if let Some(name) = people.get(seller) {
                    sink.put(q3_value(*seller, name, *id));
                }
            }
            _ => {}
        }
    }
}

fn q5() {
    let mut sink = Tally::default();
    let mut panes = Panes::new();
    let mut pane = 0;
    for event in events() {
        if let Event::Bid { auction, at, .. } = event {
            if at / SLIDE_MS > pane {
                pane = at / SLIDE_MS;
                panes.close(pane * SLIDE_MS, |end, auction, bids| sink.put(q5_value(end, auction, bids)));
            }
            panes.add(*auction, *at);
        }
    }
    panes.close(u64::MAX, |end, auction, bids| sink.put(q5_value(end, auction, bids)));
}

fn q7() {
    let mut sink = Tally::default();
    let (mut end, mut best) = (SIZE_MS, None);
    let close = |end, best: &mut Option<(u64, u64, u64)>, sink: &mut Tally| {
        if let Some((price, auction, bidder)) = best.take() {
            sink.put(q7_value(end, auction, bidder, price));
        }
    };
    for event in events() {
        if let Event::Bid { auction, at, bidder, price } = event {
            if *at >= end {
                close(end, &mut best, &mut sink);
                end = window_end(*at);
            }
            let better = best.is_none_or(|(highest, of, by)| {
                *price > highest || *price == highest && (*auction, *bidder) < (of, by)
            });
            if better {
                best = Some((*price, *auction, *bidder));
            }
        }
    }
    close(end, &mut best, &mut sink);
}

fn q8() {
    let mut sink = Tally::default();
    let mut people: Map<u64, &str> = Map::default();
    let mut reserves: Map<u64, Vec<u64>> = Map::default();
    let mut end = SIZE_MS;
    let close = |end, people: &mut Map<u64, &str>, reserves: &mut Map<u64, Vec<u64>>, sink: &mut Tally| {
        for (id, name) in people.drain() {
            let auctions = reserves.get(&id).into_iter().flatten();
            auctions.for_each(|reserve| sink.put(q8_value(end, id, name, *reserve)));
        }
        reserves.clear();
    };
    for event in events() {
        if event.at() >= end {
            close(end, &mut people, &mut reserves, &mut sink);
            end = window_end(event.at());
        }
        match event {
            Event::Person { id, name, .. } => {
                people.insert(*id, name);
            }
            Event::Auction { seller, reserve, .. } => reserves.entry(*seller).or_default().push(*reserve),
            Event::Bid { .. } => {}
        }
    }
    close(end, &mut people, &mut reserves, &mut sink);
}

//! Two streams with the same key meet in one operator: the function itself takes the left one's records, the function
//! named by `on_right` takes the right one's, and both share the key's state.
use malstrom::prelude::*;

#[derive(Record, Clone, Debug)]
struct Order {
    customer: u64,
    item: String,
}

#[derive(Record, Clone, Debug)]
struct Customer {
    id: u64,
    name: String,
}

/// Either who the customer is, or the orders that wait for that to be known.
#[keyed_state(key = u64)]
#[derive(Default)]
struct Desk {
    name: Option<String>,
    waiting: Vec<String>,
}

#[operator(on_right = introduce)]
fn ship(desk: &mut Desk, order: Order) -> impl Iterator<Item = String> {
    desk.waiting.push(order.item);
    desk.shipped()
}

#[operator]
fn introduce(desk: &mut Desk, customer: Customer) -> impl Iterator<Item = String> {
    desk.name = Some(customer.name);
    desk.shipped()
}

impl Desk {
    fn shipped(&mut self) -> impl Iterator<Item = String> + use<> {
        let name = self.name.clone();
        let ready = if name.is_some() { std::mem::take(&mut self.waiting) } else { Vec::new() };
        ready.into_iter().map(move |item| format!("{item} for {}", name.as_deref().unwrap_or_default()))
    }
}

pipeline! {
    fn shop(orders: Vec<Order>, customers: Vec<Customer>) {
        let orders = source(orders) -> key_by(|o| o.customer);
        let customers = source(customers) -> key_by(|c| c.id);
        (orders, customers) -> ship -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    let order = |customer, item: &str| Order { customer, item: item.into() };
    let customer = |id, name: &str| Customer { id, name: name.into() };
    let orders = move || vec![order(1, "lamp"), order(2, "chair"), order(1, "desk"), order(3, "never shipped")];
    let customers = move || vec![customer(1, "Ann"), customer(2, "Bob")];
    eprintln!("{}", malstrom::run(move || shop(orders(), customers()))?);
    Ok(())
}

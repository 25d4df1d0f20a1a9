//! The engine's objects as JSON.

use norace_engine::{Account, Order, OrderEvent, Transfer};

use crate::wire::json::{Object, string};

pub(super) fn account(out: &mut Vec<u8>, account: &Account) {
    let mut object = Object::begin(out);
    object
        .text("id", account.id.as_str())
        .text("ledger", account.ledger.as_str())
        .boolean("allow_overdraft", account.allow_overdraft)
        .number("debits_pending", account.debits_pending)
        .number("debits_posted", account.debits_posted)
        .number("credits_pending", account.credits_pending)
        .number("credits_posted", account.credits_posted)
        .number("available", account.available());
    object.end();
}

pub(super) fn transfer(out: &mut Vec<u8>, transfer: &Transfer) {
    let mut object = Object::begin(out);
    object
        .text("id", transfer.id.as_str())
        .text("from", transfer.from.as_str())
        .text("to", transfer.to.as_str())
        .number("amount", transfer.amount.get())
        .text("state", transfer.state.as_str())
        .time("created_at", transfer.created_at)
        .time("updated_at", transfer.updated_at);
    object.end();
}

pub(super) fn order(out: &mut Vec<u8>, order: &Order) {
    let mut object = Object::begin(out);
    object
        .text("id", order.id.as_str())
        .text("state", order.state.as_str())
        .number("version", order.version)
        .text("payer", order.payer.as_str())
        .text("payee", order.payee.as_str())
        .number("amount", order.amount.get());
    if !order.metadata.is_empty() {
        let out = object.key("metadata");
        out.push(b'{');
        for (index, (key, value)) in order.metadata.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            string(out, key);
            out.push(b':');
            string(out, value);
        }
        out.push(b'}');
    }
    if let Some(reason) = &order.reason {
        object.text("reason", reason.as_str());
    }
    object.time("created_at", order.created_at).time("updated_at", order.updated_at);
    object.end();
}

/// One event of a stream, in the form of the HTML standard's server-sent events.
pub(super) fn event(out: &mut Vec<u8>, event: &OrderEvent) {
    use crate::wire::json::Integer as _;
    out.extend_from_slice(b"id: ");
    event.sequence.write(out);
    out.extend_from_slice(b"\nevent: order\ndata: ");
    let mut object = Object::begin(out);
    object.number("sequence", event.sequence).text("order", event.order.as_str());
    match event.from {
        Some(from) => drop(object.text("from", from.as_str())),
        None => object.key("from").extend_from_slice(b"null"),
    }
    object.text("to", event.to.as_str()).number("version", event.version).time("at", event.at);
    if let Some(reason) = &event.reason {
        object.text("reason", reason.as_str());
    }
    object.end();
    out.extend_from_slice(b"\n\n");
}

/// `{"items":[…],"next_cursor":…}`.
pub(super) fn page(out: &mut Vec<u8>, items: &[Order], next_cursor: Option<&str>) {
    out.extend_from_slice(b"{\"items\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        order(out, item);
    }
    out.extend_from_slice(b"],\"next_cursor\":");
    match next_cursor {
        Some(cursor) => string(out, cursor),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use norace_engine::{Amount, Id, Metadata, Order, OrderEvent, OrderState, Reason};

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn order() -> Order {
        Order {
            id: id("o-1"),
            payer: id("a"),
            payee: id("b"),
            amount: Amount::new(1250).unwrap(),
            metadata: Metadata::default(),
            state: OrderState::Pending,
            version: 1,
            reason: None,
            created_at: 0,
            updated_at: 1,
        }
    }

    fn read(write: impl FnOnce(&mut Vec<u8>)) -> serde_json::Value {
        let mut out = Vec::new();
        write(&mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn an_order_is_written_with_what_it_has() {
        let plain = read(|out| super::order(out, &order()));
        assert_eq!(
            plain,
            serde_json::json!({
                "id": "o-1", "state": "pending", "version": 1, "payer": "a", "payee": "b", "amount": 1250,
                "created_at": "1970-01-01T00:00:00.000000Z", "updated_at": "1970-01-01T00:00:00.000001Z",
            })
        );
        let mut full = order();
        full.metadata = Metadata::new([("k\"", "v\n"), ("a", "")]).unwrap();
        full.reason = Some(Reason::new("no \"stock\"").unwrap());
        let full = read(|out| super::order(out, &full));
        assert_eq!(full["metadata"], serde_json::json!({"a": "", "k\"": "v\n"}));
        assert_eq!(full["reason"], "no \"stock\"");
    }

    #[test]
    fn an_event_is_one_block_of_lines() {
        let mut event = OrderEvent {
            sequence: 7,
            order: id("o-1"),
            from: None,
            to: OrderState::Pending,
            version: 1,
            at: 0,
            reason: None,
        };
        let mut out = Vec::new();
        super::event(&mut out, &event);
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            "id: 7\nevent: order\ndata: {\"sequence\":7,\"order\":\"o-1\",\"from\":null,\"to\":\"pending\",\
             \"version\":1,\"at\":\"1970-01-01T00:00:00.000000Z\"}\n\n"
        );
        event.from = Some(OrderState::Processing);
        event.reason = Some(Reason::INSUFFICIENT_FUNDS);
        out.clear();
        super::event(&mut out, &event);
        let text = std::str::from_utf8(&out).unwrap();
        assert!(text.contains("\"from\":\"processing\"") && text.contains("\"reason\":\"insuff"));
        assert_eq!(text.matches('\n').count(), 4);
    }

    #[test]
    fn a_page_says_where_the_rest_begins() {
        assert_eq!(
            read(|out| super::page(out, &[], None)),
            serde_json::json!({"items": [], "next_cursor": null})
        );
        let page = read(|out| super::page(out, &[order(), order()], Some("12")));
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(page["next_cursor"], "12");
    }
}

//! Shapes of what makes transactions.

use crate::kafka::shape::grammar::Shape::{Array, Fixed, Text, Texts};
use crate::kafka::shape::grammar::{I8, I16, I32, Struct, always, between, plain, since, until};

/// `FindCoordinatorRequest.json`.
pub static FIND_COORDINATOR_REQUEST: Struct = plain(&[until(3, Text), since(1, I8), since(4, Texts)]);

/// `FindCoordinatorResponse.json`.
pub static FIND_COORDINATOR_RESPONSE: Struct = plain(&[
    since(1, I32),
    until(3, I16),
    between(1, 3, Text),
    until(3, I32),
    until(3, Text),
    until(3, I32),
    since(4, Array(&COORDINATOR)),
]);
static COORDINATOR: Struct =
    plain(&[always(Text), always(I32), always(Text), always(I32), always(I16), always(Text)]);

/// `InitProducerIdRequest.json`.
pub static INIT_PRODUCER_ID_REQUEST: Struct = plain(&[always(Text), always(I32), since(3, Fixed(8 + 2))]);

/// `InitProducerIdResponse.json`.
pub static INIT_PRODUCER_ID_RESPONSE: Struct = plain(&[always(Fixed(4 + 2 + 8 + 2))]);

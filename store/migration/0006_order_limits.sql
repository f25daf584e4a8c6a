-- The limits of orders that passed with rows undone, and that people were told of.
CREATE TABLE order_passed (
  id          {id},
  salt        BYTEA  NOT NULL,
  orders      BIGINT NOT NULL,
  due         BIGINT NOT NULL, -- the limit; one that is given more time has another
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX order_passed_due ON order_passed (orders, due);
CREATE INDEX orders_due ON orders (due) WHERE state = 2; -- served

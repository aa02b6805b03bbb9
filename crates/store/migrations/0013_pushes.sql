-- Orders by their state on the way to a shop: who looks for those that wait, are unclear or were refused finds
-- them among all that have arrived.

CREATE INDEX order_pushes_state ON order_pushes (tenant, state, order_id) WHERE state <> 'sent'

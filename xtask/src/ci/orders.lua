-- Orders from the bank to the merchant for wrk, eight in one write on each connection.
init = function()
  local body = '{"payer":"bank","payee":"merchant","amount":1}'
  local order = wrk.format("POST", "/v1/orders", { ["Content-Type"] = "application/json" }, body)
  requests = string.rep(order, 8)
end

request = function()
  return requests
end

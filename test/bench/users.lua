-- users.lua - for wrk: each request with the next one of the cookies given after "--".
local cookies, n = {}, 0

function init(args)
	cookies = args
end

function request()
	if #cookies > 0 then
		n = n % #cookies + 1
		wrk.headers["Cookie"] = cookies[n]
	end
	return wrk.format()
end

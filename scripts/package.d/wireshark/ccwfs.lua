-- Dissects what ccwfs stores of channel programs (ccwfs trace --pcapng, and the file trace.pcapng of a subchannel).
-- A packet: version 1, event 1, flags 2, css 1, set 1, subchannel 2, program 8, number of the CCW 4, then what the event has; all big-endian.
-- The layout of each event stands in src/CcwFs.Trace/TraceEvent.cs.

local ccwfs = Proto("ccwfs", "Channel program")

local events = {
    [1] = "START", [2] = "CCW", [3] = "command done", [4] = "data", [5] = "status", [6] = "HALT", [7] = "CLEAR", [8] = "RESUME", [9] = "reset",
    [10] = "channel report", [11] = "refused", [12] = "fault injected", [13] = "client", [14] = "events lost", [15] = "device gone",
    [16] = "not initiated", [17] = "not translated", [18] = "interrupt given", [19] = "interrupt taken", [20] = "device",
}
local places = { [0] = "none", [1] = "track", [2] = "record", [3] = "block" }
local acts = { [1] = "took the device", [2] = "gave it back", [3] = "unmapped memory", [4] = "mapped memory" }
local interrupts = { [0] = "io", [1] = "crw", [2] = "req" }

local f = {
    version = ProtoField.uint8("ccwfs.version", "Version"),
    event = ProtoField.uint8("ccwfs.event", "Event", base.DEC, events),
    cut = ProtoField.bool("ccwfs.cut", "There was more", 16, nil, 1),
    replayed = ProtoField.bool("ccwfs.replayed", "From a recording", 16, nil, 2),
    tostorage = ProtoField.bool("ccwfs.to_storage", "To storage", 16, nil, 4),
    subchannel = ProtoField.string("ccwfs.subchannel", "Subchannel"),
    program = ProtoField.uint64("ccwfs.program", "Program"),
    number = ProtoField.uint32("ccwfs.ccw.number", "Number of the CCW"),
    orb = ProtoField.bytes("ccwfs.orb", "ORB"),
    parameter = ProtoField.uint32("ccwfs.orb.intparm", "Interruption parameter", base.HEX),
    control = ProtoField.uint32("ccwfs.orb.control", "Control", base.HEX),
    cpa = ProtoField.uint32("ccwfs.orb.cpa", "Address of the program", base.HEX),
    address = ProtoField.uint32("ccwfs.ccw.address", "Address of the CCW", base.HEX),
    command = ProtoField.uint8("ccwfs.ccw.command", "Command", base.HEX),
    flags = ProtoField.uint8("ccwfs.ccw.flags", "Flags", base.HEX),
    count = ProtoField.uint16("ccwfs.ccw.count", "Count"),
    data_address = ProtoField.uint32("ccwfs.ccw.data_address", "Data address", base.HEX),
    effect = ProtoField.uint8("ccwfs.command", "Command in effect", base.HEX),
    continues = ProtoField.bool("ccwfs.ccw.continues", "Continues by data chaining"),
    area = ProtoField.uint64("ccwfs.area.address", "Area", base.HEX),
    area_length = ProtoField.uint32("ccwfs.area.length", "Bytes of it"),
    data = ProtoField.bytes("ccwfs.data", "Data"),
    dstat = ProtoField.uint8("ccwfs.device_status", "Device status", base.HEX),
    attention = ProtoField.bool("ccwfs.device_status.attention", "Attention", 8, nil, 0x80),
    modifier = ProtoField.bool("ccwfs.device_status.status_modifier", "Status modifier", 8, nil, 0x40),
    cuend = ProtoField.bool("ccwfs.device_status.control_unit_end", "Control unit end", 8, nil, 0x20),
    busy = ProtoField.bool("ccwfs.device_status.busy", "Busy", 8, nil, 0x10),
    chend = ProtoField.bool("ccwfs.device_status.channel_end", "Channel end", 8, nil, 0x08),
    devend = ProtoField.bool("ccwfs.device_status.device_end", "Device end", 8, nil, 0x04),
    check = ProtoField.bool("ccwfs.device_status.unit_check", "Unit check", 8, nil, 0x02),
    exception = ProtoField.bool("ccwfs.device_status.unit_exception", "Unit exception", 8, nil, 0x01),
    cstat = ProtoField.uint8("ccwfs.subchannel_status", "Subchannel status", base.HEX),
    place = ProtoField.uint8("ccwfs.place.unit", "Place", base.DEC, places),
    cylinder = ProtoField.uint32("ccwfs.place.cylinder", "Cylinder"),
    head = ProtoField.uint16("ccwfs.place.head", "Head"),
    record = ProtoField.uint8("ccwfs.place.record", "Record"),
    block = ProtoField.uint64("ccwfs.place.block", "Block"),
    residual = ProtoField.uint16("ccwfs.residual", "Residual count"),
    duration = ProtoField.uint64("ccwfs.duration", "Nanoseconds since START"),
    irb = ProtoField.bytes("ccwfs.irb", "IRB"),
    scsw = ProtoField.uint32("ccwfs.irb.scsw.control", "SCSW control", base.HEX),
    ccw_address = ProtoField.uint32("ccwfs.irb.scsw.cpa", "CCW address", base.HEX),
    sense = ProtoField.bytes("ccwfs.sense", "Sense"),
    condition = ProtoField.uint8("ccwfs.condition_code", "Condition code"),
    errno = ProtoField.int32("ccwfs.errno", "Error number"),
    system = ProtoField.bool("ccwfs.reset.system", "System reset"),
    crw = ProtoField.uint32("ccwfs.crw", "CRW", base.HEX),
    reason = ProtoField.string("ccwfs.reason", "Reason"),
    act = ProtoField.uint8("ccwfs.client.act", "The client", base.DEC, acts),
    iova = ProtoField.uint64("ccwfs.client.iova", "IOVA", base.HEX),
    length = ProtoField.uint64("ccwfs.client.length", "Bytes"),
    lost = ProtoField.uint64("ccwfs.lost", "Events lost"),
    interrupt = ProtoField.uint8("ccwfs.interrupt", "Interrupt", base.DEC, interrupts),
}
local fields = {}
for _, field in pairs(f) do fields[#fields + 1] = field end
ccwfs.fields = fields

local function orb(body, tree)
    if body:len() < 12 then return end
    local sub = tree:add(f.orb, body(0, 12))
    sub:add(f.parameter, body(0, 4))
    sub:add(f.control, body(4, 4))
    sub:add(f.cpa, body(8, 4))
end

local function device_status(range, tree)
    local sub = tree:add(f.dstat, range)
    for _, bit in ipairs({ f.attention, f.modifier, f.cuend, f.busy, f.chend, f.devend, f.check, f.exception }) do sub:add(bit, range) end
end

local function ccw(range, tree)
    tree:add(f.command, range(0, 1))
    tree:add(f.flags, range(1, 1))
    tree:add(f.count, range(2, 2))
    tree:add(f.data_address, range(4, 4))
end

local function outcome(body, tree)
    if body:len() < 8 then return end
    tree:add(f.condition, body(0, 1))
    tree:add(f.errno, body(4, 4))
end

local function interrupt(body, tree, info)
    if body:len() < 1 then return end
    tree:add(f.interrupt, body(0, 1))
    info:append(" " .. (interrupts[body(0, 1):uint()] or "unknown"))
end

-- What each event has; a body that is too short shows what there is.
local dissect = {
    [1] = orb,
    [2] = function(body, tree, info)
        if body:len() < 16 then return end
        tree:add(f.address, body(0, 4))
        ccw(body(4, 8), tree)
        tree:add(f.effect, body(12, 1))
        tree:add(f.continues, body(13, 1))
        local areas, at = body(14, 2):uint(), 16
        for _ = 1, areas do
            if body:len() < at + 12 then return end
            tree:add(f.area, body(at, 8))
            tree:add(f.area_length, body(at + 8, 4))
            at = at + 12
        end
        if body:len() > at then tree:add(f.data, body(at)) end
        info:append(string.format(" %02X count %d", body(4, 1):uint(), body(6, 2):uint()))
    end,
    [3] = function(body, tree, info)
        if body:len() < 20 then return end
        tree:add(f.address, body(0, 4))
        tree:add(f.effect, body(4, 1))
        device_status(body(5, 1), tree)
        tree:add(f.cstat, body(6, 1))
        tree:add(f.place, body(7, 1))
        local unit, value = body(7, 1):uint(), body(8, 8)
        if unit == 1 or unit == 2 then
            tree:add(f.cylinder, value, value:uint64():rshift(24):tonumber())
            tree:add(f.head, value(5, 2))
        end
        if unit == 2 then tree:add(f.record, value(7, 1)) end
        if unit == 3 then tree:add(f.block, value) end
        tree:add(f.residual, body(16, 2))
        info:append(string.format(" %02X status %02X", body(4, 1):uint(), body(5, 1):uint()))
    end,
    [4] = function(body, tree)
        if body:len() < 9 then return end
        tree:add(f.address, body(0, 4))
        tree:add(f.effect, body(4, 1))
        tree:add(f.data, body(8))
    end,
    [5] = function(body, tree, info)
        if body:len() < 104 then return end
        tree:add(f.duration, body(0, 8))
        local irb = body(8, 96)
        local sub = tree:add(f.irb, irb)
        sub:add(f.scsw, irb(0, 4))
        sub:add(f.ccw_address, irb(4, 4))
        device_status(irb(8, 1), sub)
        sub:add(f.cstat, irb(9, 1))
        sub:add(f.residual, irb(10, 2))
        local report = irb(16, 4):uint()
        if bit.band(report, 0x01000000) ~= 0 then
            local count = math.min(bit.band(bit.rshift(report, 16), 0x3F), 32)
            if count > 0 then sub:add(f.sense, irb(32, count)) end
        end
        info:append(string.format(" device %02X subchannel %02X", irb(8, 1):uint(), irb(9, 1):uint()))
    end,
    [6] = outcome, [7] = outcome, [8] = outcome, [16] = outcome,
    [9] = function(body, tree) if body:len() >= 1 then tree:add(f.system, body(0, 1)) end end,
    [10] = function(body, tree) if body:len() >= 4 then tree:add(f.crw, body(0, 4)) end end,
    [11] = function(body, tree)
        if body:len() < 12 then return end
        tree:add(f.address, body(0, 4))
        ccw(body(4, 8), tree)
        if body:len() > 12 then tree:add(f.reason, body(12)) end
    end,
    [12] = function(body, tree) if body:len() > 0 then tree:add(f.reason, body()) end end,
    [13] = function(body, tree)
        if body:len() < 1 then return end
        tree:add(f.act, body(0, 1))
        if body:len() >= 20 then
            tree:add(f.iova, body(4, 8))
            tree:add(f.length, body(12, 8))
        end
    end,
    [14] = function(body, tree) if body:len() >= 8 then tree:add(f.lost, body(0, 8)) end end,
    [20] = function(body, tree) if body:len() > 60 then tree:add(f.reason, body(60)) end end,
    [18] = interrupt, [19] = interrupt,
    [17] = function(body, tree)
        if body:len() < 16 then return end
        tree:add(f.errno, body(0, 4))
        orb(body(4, 12), tree)
        if body:len() > 16 then tree:add(f.reason, body(16)) end
    end,
}

function ccwfs.dissector(buffer, packet, tree)
    if buffer:len() < 20 or buffer(0, 1):uint() ~= 1 then return 0 end
    local event = buffer(1, 1):uint()
    local id = string.format("%x.%x.%04x", buffer(4, 1):uint(), buffer(5, 1):uint(), buffer(6, 2):uint())
    packet.cols.protocol = "CCW"
    packet.cols.src = id
    packet.cols.info = events[event] or "unknown event"
    local sub = tree:add(ccwfs, buffer(), "Channel program, " .. (events[event] or "unknown event"))
    sub:add(f.version, buffer(0, 1))
    sub:add(f.event, buffer(1, 1))
    sub:add(f.cut, buffer(2, 2))
    sub:add(f.replayed, buffer(2, 2))
    sub:add(f.tostorage, buffer(2, 2))
    sub:add(f.subchannel, buffer(4, 4), id)
    if buffer(8, 8):uint64() ~= UInt64(0) then
        sub:add(f.program, buffer(8, 8))
        packet.cols.info:append(" #" .. tostring(buffer(8, 8):uint64()))
    end
    if buffer(16, 4):uint() ~= 0xFFFFFFFF then sub:add(f.number, buffer(16, 4)) end
    if dissect[event] then dissect[event](buffer(20):tvb(), sub, packet.cols.info) end
    return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, ccwfs)

"""Write recordio_1.9.1.rec and .idx with MXNet 1.9.1: records that are empty, odd, and that hold the mark.

    python-1.9 record_recordio.py
"""
MARK = bytes.fromhex("0a23d7ce")
RECORDS = {
    3: b"", 1: b"a", 4: b"abcd", 15: MARK, 9: b"ab" + MARK + b"cd",
    2: b"abcd" + MARK + b"efgh" + MARK + MARK + b"x",
    6: MARK + b"xyz", 5: b"abcd" + MARK[:3], 35: bytes(range(256)),
}
LABELLED = {
    "one": ((7, 2.5, 3, 4), b"image"),
    "several": ((0, [1, 2, 3.5], 2**40, 0), b""),
}

if __name__ == "__main__":
    from mxnet import recordio

    writer = recordio.MXIndexedRecordIO("recordio_1.9.1.idx", "recordio_1.9.1.rec", "w")
    for key, record in RECORDS.items():
        writer.write_idx(key, record)
    for key, (header, image) in enumerate(LABELLED.values(), 100):
        writer.write_idx(key, recordio.pack(recordio.IRHeader(*header), image))
    writer.close()

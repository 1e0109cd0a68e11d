"binary_path":"\"C:\\Program Files\\acme\\acme.exe\" admin service run --scope system -- --fast"
